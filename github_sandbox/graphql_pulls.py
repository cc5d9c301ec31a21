"""Repositories, pull requests, threads and comments as GraphQL shows them to one actor.

https://docs.github.com/en/graphql/reference/objects#pullrequest
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from github_sandbox.diffs import FileChange
from github_sandbox.graphql_checks import CheckViews
from github_sandbox.graphql_values import CodeViews, QueryError, account_view, connection, later, refused
from github_sandbox.model import PullState, RepositoryState
from github_sandbox.state import (
    Account,
    Issue,
    IssueComment,
    Json,
    Reaction,
    Review,
    ReviewComment,
    ReviewThread,
    node_id,
    timestamp,
)
from github_sandbox.tokens import Actor

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

# https://docs.github.com/en/issues/tracking-your-work-with-issues/linking-a-pull-request-to-an-issue
_CLOSES = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)\b", re.IGNORECASE)
_CHANGE = {
    "added": "ADDED",
    "removed": "DELETED",
    "renamed": "RENAMED",
    "copied": "COPIED",
    "modified": "MODIFIED",
}
_REACTIONS = {
    "+1": "THUMBS_UP", "-1": "THUMBS_DOWN", "laugh": "LAUGH", "hooray": "HOORAY",
    "confused": "CONFUSED", "heart": "HEART", "rocket": "ROCKET", "eyes": "EYES",
}  # fmt: skip


class PullViews:
    """What one actor sees."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._code = CodeViews(actor)
        self.checks = CheckViews(actor)

    def _is_viewer(self, account: Account) -> bool:
        return account is self._actor.account

    def repository(self, repo: RepositoryState) -> Json:
        """Resolve `Repository`."""
        return {
            "__typename": RepositoryState,
            "id": node_id("R", repo.id),
            "databaseId": repo.id,
            "name": repo.name,
            "nameWithOwner": repo.full_name,
            "isPrivate": repo.private,
            "isFork": repo.is_fork,
            "isArchived": False,
            "isInOrganization": repo.owner.type == "Organization",
            "visibility": "PRIVATE" if repo.private else "PUBLIC",
            "url": repo.html_url,
            "owner": account_view(repo, repo.owner),
            "defaultBranchRef": later(lambda: self._code.ref(repo, repo.default_branch)),
            "ref": partial(self._code.ref_of, repo),
            "object": partial(self._code.object_of, repo),
            "pullRequest": partial(self._pull_of, repo),
            "issue": partial(self._issue_of, repo),
        }

    def _pull_of(self, repo: RepositoryState, _info: object, number: int) -> Json:
        if not self._actor.may("pull_requests:read", repo):
            raise refused()
        if number not in repo.pulls:
            raise QueryError("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        return self.pull(repo.pulls[number])

    def _issue_of(self, repo: RepositoryState, _info: object, number: int) -> Json:
        if not self._actor.may("issues:read", repo):
            raise refused()
        if number not in repo.issues:
            raise QueryError("NOT_FOUND", f"Could not resolve to an Issue with the number of {number}.")
        return self.issue(repo, repo.issues[number])

    def issue(self, repo: RepositoryState, issue: Issue) -> Json:
        """Resolve `Issue`."""
        return {
            "__typename": "Issue",
            "id": node_id("I", repo.id * 1_000 + issue.number),
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "state": issue.state.upper(),
            "url": f"{repo.html_url}/issues/{issue.number}",
            "author": account_view(repo, issue.author),
            "repository": later(lambda: self.repository(repo)),
        }

    def _closing(self, pull: PullState) -> Callable[..., Json]:
        """Resolve the issues that the description closes; only on the default branch, and with `issues: read`."""
        repo = pull.repository
        numbers = map(int, _CLOSES.findall(pull.body)) if pull.base_ref == repo.default_branch else ()
        closed = [repo.issues[number] for number in dict.fromkeys(numbers) if number in repo.issues]
        listed = connection("closingIssuesReferences", closed, lambda issue: self.issue(repo, issue))

        def resolve(info: "GraphQLResolveInfo[Any]", **arguments: Any) -> Json:  # noqa: ANN401 - what a query gives
            if not self._actor.may("issues:read", repo):
                raise refused()
            return listed(info, **arguments)

        return resolve

    def pull(self, pull: PullState) -> Json:
        """Resolve `PullRequest`."""
        repo, changes = pull.repository, pull.changes
        head_repo = pull.head_repository
        return {
            "__typename": "PullRequest",
            "id": pull.node_id,
            "databaseId": None,  # real ids no longer fit GraphQL's Int
            "fullDatabaseId": str(pull.id),
            "number": pull.number,
            "title": pull.title,
            "body": pull.body,
            "state": "MERGED" if pull.merged else pull.state.upper(),
            "isDraft": pull.draft,
            "url": pull.html_url,
            "author": account_view(repo, pull.author),
            "authorAssociation": repo.association(pull.author.login),
            "baseRef": later(lambda: self._code.ref(repo, pull.base_ref)),
            "baseRefName": pull.base_ref,
            "baseRefOid": pull.base_sha,
            "headRef": later(lambda: None if pull.is_from_fork else self._code.ref(repo, pull.head_ref)),
            "headRefName": pull.head_ref,
            "headRefOid": pull.head_sha,
            "headRepository": self.repository(head_repo) if head_repo else None,
            "headRepositoryOwner": account_view(repo, head_repo.owner) if head_repo else None,
            "baseRepository": later(lambda: self.repository(repo)),
            "repository": later(lambda: self.repository(repo)),
            "isCrossRepository": pull.is_from_fork,
            "merged": pull.merged,
            "mergeable": "UNKNOWN",
            "closed": pull.state == "closed",
            "createdAt": timestamp(pull.created_at),
            "updatedAt": timestamp(pull.updated_at),
            "additions": later(lambda: sum(change.additions for change in changes())),
            "deletions": later(lambda: sum(change.deletions for change in changes())),
            "changedFiles": later(lambda: len(changes())),
            "labels": connection("labels", pull.labels, lambda name: _label_view(pull, name)),
            "closingIssuesReferences": self._closing(pull),
            "files": connection("files", changes(), _file_view),
            "commits": partial(self._commits, pull),
            "comments": connection("comments", pull.issue_comments, lambda c: self.issue_comment(pull, c)),
            "reviews": connection("reviews", pull.reviews, lambda r: self.review(pull, r)),
            "reviewThreads": connection("reviewThreads", pull.threads, lambda t: self.thread(pull, t)),
        }

    def _commits(self, pull: PullState, info: "GraphQLResolveInfo[Any]", **arguments: object) -> Json:
        def view(sha: str) -> Json:
            checks = {"checkSuites": partial(self.checks.suites, pull.repository, sha)}
            return {"id": f"PURC_{sha}", "commit": self._code.commit(pull.repository, sha) | checks}

        return connection("commits", pull.commits(), view)(info, **arguments)

    def _comment(self, pull: PullState, item: IssueComment | ReviewComment | Review) -> Json:
        return {
            "id": item.node_id,
            "databaseId": None,
            "fullDatabaseId": str(item.id),
            "body": item.body,
            "author": account_view(pull.repository, item.user),
            "authorAssociation": pull.repository.association(item.user.login),
            "isMinimized": item.minimized_reason is not None,
            "minimizedReason": item.minimized_reason,
            "viewerDidAuthor": self._is_viewer(item.user),
            "viewerCanMinimize": self._is_viewer(item.user),
        }

    def issue_comment(self, pull: PullState, comment: IssueComment) -> Json:
        """Resolve `IssueComment`."""
        return {
            **self._comment(pull, comment),
            "__typename": "IssueComment",
            "url": f"{pull.html_url}#issuecomment-{comment.id}",
            "createdAt": timestamp(comment.created_at),
            "updatedAt": timestamp(comment.updated_at),
            "pullRequest": later(lambda: self.pull(pull)),
            "reactionGroups": _reaction_groups(comment.reactions),
        }

    def review(self, pull: PullState, review: Review) -> Json:
        """Resolve `PullRequestReview`."""
        mine = [c for c in pull.review_comments() if c.review_id == review.id]
        return {
            **self._comment(pull, review),
            "__typename": "PullRequestReview",
            "url": f"{pull.html_url}#pullrequestreview-{review.id}",
            "state": review.state,
            "submittedAt": timestamp(review.submitted_at),
            "createdAt": timestamp(review.submitted_at),
            "commit": later(lambda: self._code.commit(pull.repository, review.commit_id)),
            "comments": connection("comments", mine, lambda c: self.review_comment(pull, c)),
        }

    def thread(self, pull: PullState, thread: ReviewThread) -> Json:
        """Resolve `PullRequestReviewThread`."""
        anchor, original = thread.root.anchor, thread.root.original
        resolver = thread.resolved_by
        may_resolve = self._actor.may("contents:write", pull.repository)
        is_user = resolver is not None and resolver.type == "User"
        return {
            "__typename": "PullRequestReviewThread",
            "id": thread.node_id,
            "isResolved": resolver is not None,
            "isOutdated": thread.is_outdated,
            "isCollapsed": resolver is not None or thread.is_outdated,
            "path": anchor.path,
            "line": anchor.line,
            "startLine": anchor.start_line,
            "originalLine": original.line,
            "originalStartLine": original.start_line,
            "diffSide": original.side,
            "startDiffSide": original.start_side,
            "subjectType": original.subject_type.upper(),
            "viewerCanResolve": may_resolve and resolver is None,
            "viewerCanUnresolve": may_resolve and resolver is not None,
            "viewerCanReply": True,
            "resolvedBy": account_view(pull.repository, resolver) if resolver and is_user else None,
            "comments": connection("comments", thread.comments, lambda c: self.review_comment(pull, c)),
        }

    def review_comment(self, pull: PullState, comment: ReviewComment) -> Json:
        """Resolve `PullRequestReviewComment`."""
        anchor, original = comment.anchor, comment.original
        thread = pull.thread_of(comment)
        return {
            **self._comment(pull, comment),
            "__typename": "PullRequestReviewComment",
            "url": f"{pull.html_url}#discussion_r{comment.id}",
            "createdAt": timestamp(comment.created_at),
            "updatedAt": timestamp(comment.updated_at),
            "path": anchor.path,
            "line": anchor.line,
            "startLine": anchor.start_line,
            "originalLine": original.line,
            "originalStartLine": original.start_line,
            "subjectType": original.subject_type.upper(),
            "diffHunk": comment.diff_hunk,
            "outdated": thread.is_outdated,
            "state": "SUBMITTED",
            "replyTo": later(
                lambda: self.review_comment(pull, thread.root) if comment.in_reply_to_id else None
            ),
            "commit": later(lambda: self._code.commit(pull.repository, comment.commit_id)),
            "originalCommit": later(lambda: self._code.commit(pull.repository, comment.original_commit_id)),
            "pullRequestReview": later(lambda: self._review_of(pull, comment)),
            "reactionGroups": _reaction_groups(comment.reactions),
        }

    def _review_of(self, pull: PullState, comment: ReviewComment) -> Json | None:
        found = next((review for review in pull.reviews if review.id == comment.review_id), None)
        return self.review(pull, found) if found else None


def _label_view(pull: PullState, name: str) -> Json:
    return {"id": f"LA_{pull.repository.id}_{name}", "name": name, "color": "ededed"}


def _file_view(change: FileChange) -> Json:
    return {
        "path": change.filename,
        "additions": change.additions,
        "deletions": change.deletions,
        "changeType": _CHANGE.get(change.status, "CHANGED"),
    }


def _reactor_view(_reaction: Reaction) -> Json:
    return {}


def _reaction_groups(reactions: Sequence[Reaction]) -> list[Json]:
    return [
        {
            "content": name,
            "reactors": connection("reactors", [r for r in reactions if r.content == content], _reactor_view),
        }
        for content, name in _REACTIONS.items()
    ]
