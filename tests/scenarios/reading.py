"""Reads what the App posted on a pull request. The `take_` functions also mark it as expected; not a test."""

import json
from collections.abc import Mapping
from typing import Any

from github_sandbox import Posted, Pull
from github_sandbox.state import CheckRun, IssueComment, Review, ReviewComment


def take_review(pull: Pull) -> Review:
    """Take the review that the App posted; there is exactly one."""
    return _only(pull, "review")


def take_summary(pull: Pull) -> IssueComment:
    """Take the one comment in the conversation, new or edited."""
    return _only(pull, "issue_comment")


def take_file_comments(pull: Pull) -> list[ReviewComment]:
    """Take the comments on files or lines that were not part of a review."""
    return [item.target for item in pull.take_all("review_comment")]


def take_reactions(pull: Pull) -> list[str]:
    """Take the App's reactions."""
    return [item.body for item in pull.take_all("reaction")]


def take_checks(pull: Pull) -> dict[str, CheckRun]:
    """Take all created or updated check runs, by name."""
    runs: list[Posted] = pull.take_all("check_run")
    return {item.target.name: item.target for item in runs}


def conclusions(checks: Mapping[str, CheckRun]) -> dict[str, str | None]:
    """Conclusions by name of the stage."""
    return {name.removeprefix("quorum/"): run.conclusion for name, run in checks.items()}


def inline_comments(pull: Pull) -> list[ReviewComment]:
    """The App's comments in the diff, in order."""
    bot = pull.hub.bot
    return [comment for comment in pull.review_comments() if comment.user is bot]


def _only(pull: Pull, kind: str) -> Any:
    items = pull.take_all(kind)
    assert len(items) == 1, [item.body for item in items]
    return items[0].target


def own_comments(pull: Pull) -> list[str]:
    """The bodies of the App's own inline comments, in threads and replies."""
    return [comment.body for comment in inline_comments(pull)]


def texts(pull: Pull) -> str:
    """Everything that was written on a pull request, as JSON."""
    written = [comment.body for comment in pull.issue_comments]
    written += [review.body for review in pull.reviews]
    written += [comment.body for comment in pull.review_comments()]
    return json.dumps(written, ensure_ascii=False)


def emojis(comment: IssueComment | ReviewComment) -> list[str]:
    """The App's reactions to a comment."""
    return [reaction.content for reaction in comment.reactions if reaction.user.type == "Bot"]
