"""Decides what a delivery about a repository asks for: a job, or nothing and why. Pure.

It considers only what the delivery says about the sender. The worker checks later who may give commands.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.domain.finding import Stage
from app.domain.job import (
    ChangedJob,
    CheckActionJob,
    CheckSuiteJob,
    ClosedJob,
    CommentJob,
    Delivery,
    Job,
    MergeGroupJob,
    ReviewJob,
    review_id,
)
from app.domain.publication import CommentKind
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewRequest
from webhooks import payloads
from webhooks.commands import is_mentioned, parse_command

MAX_COMMENT_CHARACTERS = 20_000  # the rest of a comment is ignored
REVIEWED_ACTIONS = frozenset({"opened", "reopened", "ready_for_review", "synchronize"})
REPEATED_ACTIONS = frozenset({"reopened", "ready_for_review"})  # one head can be reopened twice
CHANGED_ACTIONS = frozenset({"labeled", "unlabeled", "converted_to_draft"})
STAGE_OF_CHECK = {f"quorum/{stage.value}": stage for stage in Stage}
_EXTERNAL_ID = re.compile(r"([^#@]+)#([1-9][0-9]{0,8})@([0-9a-f]{40,64})", re.ASCII)

Body = Mapping[str, Any]
"""The JSON of a delivery, not validated yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The delivery asks for no job; the answer to GitHub says why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The accounts that Quorum serves, and its identity. `redact` is applied to people's text before it is stored."""

    redact: Callable[[str], str]
    app_slug: str = "quorum"
    app_id: int | None = None  # None: the App of a check run is not checked
    allowed_owners: frozenset[str] = frozenset()  # empty: all
    allowed_bots: frozenset[int] = frozenset()  # ids of accounts

    def serves(self, owner: str) -> bool:
        """Whether Quorum serves this account's installations."""
        return not self.allowed_owners or owner.lower() in {name.lower() for name in self.allowed_owners}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a delivery about a repository comes from."""

    delivery: Delivery
    rules: Rules
    installation_id: int
    repository: str

    def pull_request(self, number: int) -> PullRequestRef:
        """Name a pull request of the repository."""
        owner, _, repo = self.repository.partition("/")
        return PullRequestRef(owner=owner, repo=repo, number=number)


def decide_pull_request(body: Body, context: Context) -> Job | Ignored:
    """Review a new head or base; evaluate a closed pull request; note what may exclude it from review."""
    event = payloads.PullRequestEventPayload.model_validate(body)
    pull = event.pull_request
    if event.action == "closed":
        return ClosedJob(
            installation_id=context.installation_id,
            ref=context.pull_request(pull.number),
            head_sha=pull.head.sha,
            merged=bool(pull.merged),
            guid=context.delivery.guid,
        )
    if pull.state != "open":
        return Ignored(reason="the pull request is closed")
    if event.action == "edited" and event.changes.base is not None:
        trigger = f"base:{pull.base.ref}"
        return review_job(
            context,
            pull.number,
            head_sha=pull.head.sha,
            base_ref=pull.base.ref,
            trigger=trigger,
            nonce=context.delivery.guid,
        )
    if event.action in REVIEWED_ACTIONS:
        return review_job(
            context,
            pull.number,
            head_sha=pull.head.sha,
            base_ref=pull.base.ref,
            trigger=event.action,
            before_sha=event.before,
            nonce=context.delivery.guid if event.action in REPEATED_ACTIONS else None,
        )
    if event.action in CHANGED_ACTIONS or (event.action == "edited" and event.changes.title is not None):
        return ChangedJob(
            installation_id=context.installation_id,
            ref=context.pull_request(pull.number),
            change=event.action,
            guid=context.delivery.guid,
        )
    return Ignored(reason=f"pull_request.{event.action} does not change the code under review")


def review_job(
    context: Context,
    number: int,
    *,
    head_sha: str,
    trigger: str,
    base_ref: str | None = None,
    before_sha: str | None = None,
    nonce: str | None = None,
    stages: tuple[Stage, ...] = tuple(Stage),
    commanded: bool = False,
) -> ReviewJob:
    """Build the review of a head; `trigger` distinguishes it from other reviews of the same head.

    `nonce` distinguishes two events with the same trigger; a redelivery has the same one.
    """
    ref = context.pull_request(number)
    request = ReviewRequest(
        review_id=review_id(ref, head_sha=head_sha, trigger=trigger, nonce=before_sha or nonce),
        ref=ref,
        installation_id=context.installation_id,
        trigger=trigger,
        head_sha=head_sha,
        base_ref=base_ref,
        stages=stages,
        commanded=commanded,
    )
    return ReviewJob(request=request, before_sha=before_sha)


def decide_issue_comment(body: Body, context: Context) -> Job | Ignored:
    """A comment in the conversation of a pull request."""
    event = payloads.IssueCommentEventPayload.model_validate(body)
    if event.issue.pull_request is None:
        return Ignored(reason="the comment is on an issue")
    return _decide_comment(
        event.action, event.comment, context, kind="issue_comment", number=event.issue.number
    )


def decide_review_comment(body: Body, context: Context) -> Job | Ignored:
    """A comment in a review thread, on a line or a file."""
    event = payloads.ReviewCommentEventPayload.model_validate(body)
    return _decide_comment(
        event.action,
        event.comment,
        context,
        kind="review_comment",
        number=event.pull_request.number,
        head_sha=event.pull_request.head.sha,
    )


def _decide_comment(
    action: str,
    comment: payloads.CommentPayload,
    context: Context,
    *,
    kind: CommentKind,
    number: int,
    head_sha: str | None = None,
) -> Job | Ignored:
    refusal = _refuse_comment(action, comment, context.rules)
    body = comment.body[:MAX_COMMENT_CHARACTERS]
    command = parse_command(body)
    if refusal or comment.user is None:
        return Ignored(reason=refusal or "the author's account was deleted")
    if command is None and not is_mentioned(body, slug=context.rules.app_slug):
        return Ignored(reason="the comment has no command and does not mention the App")
    redact = context.rules.redact
    return CommentJob(
        installation_id=context.installation_id,
        ref=context.pull_request(number),
        comment_kind=kind,
        comment_id=comment.id,
        author=comment.user.login,
        author_id=comment.user.id,
        body=redact(body),
        command=replace(command, text=redact(command.text)) if command else None,
        thread_comment_id=comment.in_reply_to_id,
        head_sha=head_sha,
        guid=context.delivery.guid,
    )


def _refuse_comment(action: str, comment: payloads.CommentPayload, rules: Rules) -> str | None:
    if action != "created":
        return f"the comment was {action}, not created"
    if comment.user and comment.user.login.lower() == f"{rules.app_slug}[bot]".lower():
        return "the comment is the App's own"
    if comment.user and comment.user.type != "User" and comment.user.id not in rules.allowed_bots:
        return "the author of the comment is a bot"
    return None


def decide_check_run(body: Body, context: Context) -> Job | Ignored:
    """Someone re-ran a check or pressed one of its buttons; only the App's own check runs count."""
    event = payloads.CheckRunEventPayload.model_validate(body)
    if event.action not in ("rerequested", "requested_action"):
        return Ignored(reason=f"Quorum does not use check_run.{event.action}")
    run = event.check_run
    stage = STAGE_OF_CHECK.get(run.name)
    named = _EXTERNAL_ID.fullmatch(run.external_id or "")
    if stage is None or named is None or named[3] != run.head_sha or not _is_own(run, context.rules):
        return Ignored(reason="the check run is not one of the App's")
    number = int(named[2])
    if event.action == "rerequested":
        return review_job(
            context,
            number,
            head_sha=run.head_sha,
            trigger=f"check_run:{run.id}",
            stages=(stage,),
            commanded=True,
        )
    return CheckActionJob(
        installation_id=context.installation_id,
        ref=context.pull_request(number),
        check_run_id=run.id,
        stage=stage,
        head_sha=run.head_sha,
        identifier=event.requested_action.identifier if event.requested_action else "",
        sender=event.sender.login,
        sender_id=event.sender.id,
        guid=context.delivery.guid,
    )


def _is_own(run: payloads.CheckRunPayload, rules: Rules) -> bool:
    """Compare the App that created it: the repository in the external id may have been renamed since."""
    return run.app is None or rules.app_id is None or run.app.id == rules.app_id


def decide_check_suite(body: Body, context: Context) -> Job | Ignored:
    """Someone re-ran all checks, of every pull request with this head."""
    event = payloads.CheckSuiteEventPayload.model_validate(body)
    if event.action != "rerequested":
        return Ignored(reason=f"Quorum does not use check_suite.{event.action}")
    return CheckSuiteJob(
        installation_id=context.installation_id,
        repository=context.repository,
        check_suite_id=event.check_suite.id,
        head_sha=event.check_suite.head_sha,
        pull_requests=tuple(pull.number for pull in event.check_suite.pull_requests),
        guid=context.delivery.guid,
    )


def decide_merge_group(body: Body, context: Context) -> Job | Ignored:
    """The merge queue waits for checks on a merge of pull requests."""
    event = payloads.MergeGroupEventPayload.model_validate(body)
    if event.action != "checks_requested":
        return Ignored(reason=f"Quorum does not use merge_group.{event.action}")
    return MergeGroupJob(
        installation_id=context.installation_id,
        repository=context.repository,
        head_sha=event.merge_group.head_sha,
        base_ref=event.merge_group.base_ref,
        head_ref=event.merge_group.head_ref,
    )
