"""Write to one pull request: check runs, a review, comments, reactions, threads. Implements `Writer` with GitHub's API.

Each method sends one request, except that annotations go in batches. The publisher writes the texts. Never retries,
approves or requests changes.
"""

import logging
import re
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from app.domain.diff import Side
from app.domain.publication import (
    CheckAction,
    CheckAnnotation,
    CommentEdit,
    CommentKind,
    Conclusion,
    Reaction,
    ReviewComment,
    ThreadAnswer,
    ThreadsDone,
)
from app.domain.pull_request import PullRequest, PullRequestRef
from app.errors import TRANSIENT, GitHubError
from app.github import graphql
from app.github.client import RepositoryClient
from app.github.conversation import complete_threads, fetch_nodes
from app.github.graphql import answer_threads
from app.github.pull_node import Node, node_of_rest, parse_pull_request

ANNOTATIONS_PER_REQUEST = 50  # https://docs.github.com/en/rest/checks/runs#update-a-check-run
PERMISSIONS = ("admin", "write", "read")

T = TypeVar("T")

_LOGIN = re.compile(r"[\w-]{1,100}(\[bot\])?", re.ASCII)

_log = logging.getLogger(__name__)


class PullRequestWriter:
    """`app.domain.publication.Writer` for a pull request of `client`'s repository."""

    def __init__(self, client: RepositoryClient, ref: PullRequestRef) -> None:
        self._client = client
        self._rest = client.rest
        self._ref = ref
        self._repository = (client.owner, client.repo)

    async def create_check_run(
        self,
        *,
        head_sha: str,
        name: str,
        external_id: str,
        title: str,
        summary: str,
        details_url: str | None = None,
    ) -> int:
        """Start a check run (`in_progress`)."""
        body: Any = {
            "name": name,
            "head_sha": head_sha,
            "external_id": external_id,
            "status": "in_progress",
            "output": {"title": title, "summary": summary},
        }
        if details_url:
            body["details_url"] = details_url
        request = self._rest.checks.async_create(*self._repository, data=body)
        return (await self._client.fetch(request, to=f"start the check run {name}"))["id"]

    async def update_check_run(
        self,
        check_run_id: int,
        *,
        title: str,
        summary: str,
        text: str = "",
        conclusion: Conclusion | None = None,
        annotations: Sequence[CheckAnnotation] = (),
        actions: Sequence[CheckAction] = (),
        resume: bool = False,
    ) -> None:
        """Replace the texts and append the annotations; if `conclusion` is set, the last request completes the run.

        With `resume`, annotations that an earlier attempt appended are not sent again.
        """
        done = await self._annotation_count(check_run_id) if resume else 0
        batches = _batches(annotations[done:], ANNOTATIONS_PER_REQUEST) or [()]
        output: dict[str, Any] = {"title": title, "summary": summary} | ({"text": text} if text else {})
        for number, batch in enumerate(batches, start=1):
            body: dict[str, Any] = {"output": output | {"annotations": list(map(_annotation, batch))}}
            if not batch:
                body = {"output": output}
            if number == len(batches):
                body |= _completion(conclusion, actions)
            await self._patch_check_run(check_run_id, body)

    async def _patch_check_run(self, check_run_id: int, body: Any) -> None:  # noqa: ANN401 - githubkit checks the body's shape
        request = self._rest.checks.async_update(*self._repository, check_run_id, data=body)
        await self._client.send(request, to="update a check run")

    async def _annotation_count(self, check_run_id: int) -> int:
        request = self._rest.checks.async_get(*self._repository, check_run_id)
        return (await self._client.fetch(request, to="read a check run"))["output"]["annotations_count"]

    async def find_check_run(self, *, head_sha: str, name: str, external_id: str) -> int | None:
        """Find the newest check run with this name and external id that is not completed."""
        request = self._rest.checks.async_list_for_ref(
            *self._repository, head_sha, check_name=name, filter_="all", per_page=100
        )
        runs = (await self._client.fetch(request, to=f"list the check runs of {head_sha}"))["check_runs"]
        open_runs = (
            run for run in runs if run["status"] != "completed" and run["external_id"] == external_id
        )
        return max((run["id"] for run in open_runs), default=None)

    async def create_review(self, *, head_sha: str, body: str, comments: Sequence[ReviewComment]) -> int:
        """Post one review (COMMENT) with all of its comments; `GitHubRejected` if GitHub rejects a comment's location."""
        content: Any = {
            "commit_id": head_sha,
            "event": "COMMENT",
            "body": body,
            "comments": list(map(_review_comment, comments)),
        }
        request = self._rest.pulls.async_create_review(*self._repository, self._ref.number, data=content)
        return (await self._client.fetch(request, to=f"post the review of {self._ref}"))["id"]

    async def find_review(self, marker: str) -> int | None:
        """Find Quorum's review whose body ends with `marker`."""
        return await self._find(marker, document=graphql.REVIEWS, connection="reviews")

    async def create_file_comment(self, *, head_sha: str, path: str, body: str) -> int:
        """Post a comment on a changed file as a whole."""
        content: Any = {"commit_id": head_sha, "path": path, "body": body, "subject_type": "file"}
        request = self._rest.pulls.async_create_review_comment(
            *self._repository, self._ref.number, data=content
        )
        return (await self._client.fetch(request, to=f"comment on a file of {self._ref}"))["id"]

    async def find_review_comment(self, marker: str) -> int | None:
        """Find Quorum's inline or file comment whose body ends with `marker`."""
        threads = await fetch_nodes(
            self._client, self._ref, document=graphql.REVIEW_THREADS, connection="reviewThreads"
        )
        await complete_threads(self._client, self._ref, threads)
        return _marked([comment for thread in threads for comment in thread["comments"]["nodes"]], marker)

    async def create_issue_comment(self, body: str) -> int:
        """Post a comment in the conversation."""
        request = self._rest.issues.async_create_comment(*self._repository, self._ref.number, body=body)
        return (await self._client.fetch(request, to=f"comment on {self._ref}"))["id"]

    async def update_issue_comment(self, comment_id: int, body: str) -> None:
        """Replace the text of one of Quorum's comments in the conversation."""
        request = self._rest.issues.async_update_comment(*self._repository, comment_id, body=body)
        await self._client.send(request, to=f"edit a comment on {self._ref}")

    async def find_issue_comment(self, marker: str) -> int | None:
        """Find Quorum's comment in the conversation whose body ends with `marker`."""
        return await self._find(marker, document=graphql.COMMENTS, connection="comments")

    async def _find(self, marker: str, *, document: str, connection: str) -> int | None:
        nodes = await fetch_nodes(self._client, self._ref, document=document, connection=connection)
        return _marked(nodes, marker)

    async def reply_to_review_comment(self, comment_id: int, body: str) -> int:
        """Reply in the thread that starts with this comment."""
        request = self._rest.pulls.async_create_reply_for_review_comment(
            *self._repository, self._ref.number, comment_id, body=body
        )
        return (await self._client.fetch(request, to=f"answer in a thread of {self._ref}"))["id"]

    async def react(self, kind: CommentKind, comment_id: int, content: Reaction) -> None:
        """Add a reaction to a comment; adding it again changes nothing."""
        reactions = self._rest.reactions
        request = (
            reactions.async_create_for_issue_comment(*self._repository, comment_id, content=content)
            if kind == "issue_comment"
            else reactions.async_create_for_pull_request_review_comment(
                *self._repository, comment_id, content=content
            )
        )
        await self._client.send(request, to="react to a comment")

    async def answer_threads(
        self, answers: Sequence[ThreadAnswer], *, edit: CommentEdit | None = None
    ) -> ThreadsDone:
        """Reply to threads and resolve settled ones; minimize comments if the App has no contents:write."""
        return await answer_threads(self._client, answers, edit=edit)

    async def permission(self, login: str) -> str:
        """Return `admin`, `write`, `read` or `none`; `none` unless GitHub clearly grants more.

        Raises:
            any of `TRANSIENT`: ask again later, so that no command is refused because of an outage.
        """
        if not _LOGIN.fullmatch(login):
            _log.warning("Ignoring a login that is not valid on GitHub")
            return "none"
        request = self._rest.repos.async_get_collaborator_permission_level(*self._repository, quote(login))
        try:
            data = (await self._client.fetch(request, to="read a person's permission"))["permission"]
        except TRANSIENT:
            raise
        except GitHubError as error:
            _log.warning("Assuming no permission, because it cannot be read: %s", error)
            return "none"
        return data if data in PERMISSIONS else "none"

    async def pull_request(self) -> PullRequest:
        """Read the pull request as it is now."""
        request = self._rest.pulls.async_get(*self._repository, self._ref.number)
        return parse_pull_request(
            self._ref, node_of_rest(dict(await self._client.fetch(request, to=f"read {self._ref}")))
        )

    async def head_sha(self) -> str:
        """Read the pull request's current head."""
        return (await self.pull_request()).head_sha


def _batches(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _marked(nodes: Sequence[Node], marker: str) -> int | None:
    """Return the id of Quorum's newest node that ends with the marker."""
    return max(
        (
            int(node["fullDatabaseId"])
            for node in nodes
            if node["viewerDidAuthor"] and node["body"].rstrip().endswith(marker)
        ),
        default=None,
    )


def _completion(conclusion: Conclusion | None, actions: Sequence[CheckAction]) -> dict[str, Any]:
    if conclusion is None:
        return {}
    buttons = [{"label": a.label, "description": a.description, "identifier": a.identifier} for a in actions]
    return {"conclusion": conclusion.value} | ({"actions": buttons} if buttons else {})


def _annotation(annotation: CheckAnnotation) -> dict[str, Any]:
    return {
        "path": annotation.path,
        "start_line": annotation.start_line,
        "end_line": annotation.end_line,
        "annotation_level": annotation.level.value,
        "title": annotation.title,
        "message": annotation.message,
    }


def _review_comment(comment: ReviewComment) -> dict[str, Any]:
    """Send only known keys and no null: GitHub rejects the whole review otherwise."""
    side = Side(comment.side).value
    placed = {"path": comment.path, "line": comment.line, "side": side, "body": comment.body}
    if comment.start_line is None or comment.start_line == comment.line:
        return placed
    return placed | {"start_line": comment.start_line, "start_side": side}
