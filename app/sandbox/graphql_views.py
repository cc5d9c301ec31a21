"""Repositories and pull requests as GraphQL shows them: mappings whose values are looked up when they are asked for.

https://docs.github.com/en/graphql/reference/objects
"""

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from app.sandbox.errors import ApiError
from app.sandbox.rendering import node_id, timestamp
from app.sandbox.state import Account, IssueComment, Json, Reaction, Review, ReviewComment, ReviewThread
from app.sandbox.tokens import Actor

if TYPE_CHECKING:
    from app.sandbox.pull import Pull
    from app.sandbox.repository import Repository

CONNECTION_MAX = 100
TEXT_LIMIT_BYTES = 512_000
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


class QueryError(Exception):
    """An error of one field; `type` is GitHub's word for it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.type = kind


def connection(name: str, items: Sequence[Any], view: Callable[[Any], Json]) -> Callable[..., Json]:
    """A connection; GitHub wants `first` or `last`, of 1 to 100.

    https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#node-limit
    """

    def resolve(_info: object, **arguments: Any) -> Json:
        first, last = arguments.get("first"), arguments.get("last")
        if first is None and last is None:
            raise QueryError(
                "MISSING_PAGINATION_BOUNDARIES",
                f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
            )
        size = first if first is not None else last
        if not 0 <= size <= CONNECTION_MAX:
            raise QueryError(
                "EXCESSIVE_PAGINATION",
                f"Requesting {size} records on the `{name}` connection exceeds the `first` limit of 100 records.",
            )
        start, stop = _bounds(len(items), first, last, arguments)
        return {
            "totalCount": len(items),
            "nodes": [view(item) for item in items[start:stop]],
            "pageInfo": _page_info(start, stop, len(items)),
        }

    return resolve


def _bounds(total: int, first: int | None, last: int | None, arguments: Json) -> tuple[int, int]:
    low = _index(arguments["after"]) + 1 if arguments.get("after") else 0
    high = _index(arguments["before"]) if arguments.get("before") else total
    if first is not None:
        return low, min(high, low + first)
    return max(low, high - (last or 0)), high


def _cursor(index: int) -> str:
    return base64.b64encode(f"cursor:{index}".encode()).decode()


def _index(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("cursor:"))
    except ValueError as error:
        raise QueryError(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        ) from error


def _page_info(start: int, stop: int, total: int) -> Json:
    has_rows = start < stop
    return {
        "hasNextPage": stop < total,
        "hasPreviousPage": start > 0,
        "startCursor": _cursor(start) if has_rows else None,
        "endCursor": _cursor(stop - 1) if has_rows else None,
    }


class Views:
    """What one asker sees."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def _is_viewer(self, account: Account) -> bool:
        return account is self._actor.account

    def repository(self, repo: "Repository") -> Json:
        """`Repository`."""
        return {
            "__typename": "Repository",
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
            "defaultBranchRef": lambda _: self._ref(repo, repo.default_branch),
            "ref": lambda _, qualifiedName: self._ref(repo, qualifiedName.removeprefix("refs/heads/")),
            "object": lambda _, **given: self._object(repo, given.get("oid"), given.get("expression")),
            "pullRequest": lambda _, number: self._pull_of(repo, number),
        }

    def _pull_of(self, repo: "Repository", number: int) -> Json:
        if not self._actor.may("pull_requests:read", repo):
            raise QueryError("FORBIDDEN", "Resource not accessible by integration")
        if number not in repo.pulls:
            raise QueryError("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        return self.pull(repo.pulls[number])

    def _object(self, repo: "Repository", oid: str | None, expression: str | None) -> Json | None:
        """A commit, or with `commit:path` a file."""
        name, _, path = (oid or expression or "").partition(":")
        sha = (
            repo.git.resolve(name or repo.default_branch)
            if name != "HEAD"
            else repo.commit(repo.default_branch)
        )
        if sha is None:
            return None
        return self._blob_at(repo, sha, path) if path else self._commit(repo, sha)

    def _ref(self, repo: "Repository", branch: str) -> Json | None:
        sha = repo.git.resolve(f"refs/heads/{branch}")
        if sha is None:
            return None
        return {
            "__typename": "Ref",
            "id": f"REF_{branch}",
            "name": branch,
            "prefix": "refs/heads/",
            "target": lambda _: self._commit(repo, sha),
        }

    def _commit(self, repo: "Repository", sha: str) -> Json:
        commit = repo.git.commit_of(sha)
        return {
            "__typename": "Commit",
            "id": f"C_{sha}",
            "oid": sha,
            "abbreviatedOid": sha[:7],
            "message": commit.message,
            "messageHeadline": commit.message.split("\n", 1)[0],
            "committedDate": timestamp(commit.at),
            "file": lambda _, path: self._tree_entry(repo, sha, path),
            "tree": {
                "__typename": "Tree",
                "id": f"T_{commit.tree}",
                "oid": commit.tree,
                "abbreviatedOid": commit.tree[:7],
                "entries": lambda _: [self._tree_entry(repo, sha, path) for path in repo.git.tree(sha)],
            },
            "additions": 0,
            "deletions": 0,
        }

    def _tree_entry(self, repo: "Repository", sha: str, path: str) -> Json | None:
        if not self._actor.may("contents:read", repo):
            raise QueryError("FORBIDDEN", "Resource not accessible by integration")
        entry = repo.git.tree(sha).get(path)
        if entry is None:
            return None
        return {
            "name": path.rsplit("/", 1)[-1],
            "path": path,
            "mode": int(entry.mode, 8),
            "type": entry.kind,
            "oid": entry.sha,
            "size": entry.size or 0,
            "extension": path.rpartition(".")[2],
            "isGenerated": False,
            "object": lambda _: self._blob_at(repo, sha, path),
        }

    def _blob_at(self, repo: "Repository", sha: str, path: str) -> Json | None:
        data = repo.git.file(sha, path)
        if data is None:
            return None
        blob = repo.git.tree(sha)[path].sha
        is_binary = b"\0" in data[:8000]
        return {
            "__typename": "Blob",
            "id": f"B_{blob}",
            "oid": blob,
            "abbreviatedOid": blob[:7],
            "byteSize": len(data),
            "isBinary": is_binary,
            "isTruncated": len(data) > TEXT_LIMIT_BYTES,
            "text": None if is_binary else data[:TEXT_LIMIT_BYTES].decode("utf-8", "replace"),
        }

    def pull(self, pull: "Pull") -> Json:
        """`PullRequest`."""
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
            "baseRef": lambda _: self._ref(repo, pull.base_ref),
            "baseRefName": pull.base_ref,
            "baseRefOid": pull.base_sha,
            "headRef": lambda _: None if pull.is_from_fork else self._ref(repo, pull.head_ref),
            "headRefName": pull.head_ref,
            "headRefOid": pull.head_sha,
            "headRepository": self.repository(head_repo) if head_repo else None,
            "headRepositoryOwner": account_view(repo, head_repo.owner) if head_repo else None,
            "baseRepository": lambda _: self.repository(repo),
            "repository": lambda _: self.repository(repo),
            "isCrossRepository": pull.is_from_fork,
            "merged": pull.merged,
            "mergeable": "UNKNOWN",
            "closed": pull.state == "closed",
            "createdAt": timestamp(pull.created_at),
            "updatedAt": timestamp(pull.updated_at),
            "additions": lambda _: sum(change.additions for change in changes()),
            "deletions": lambda _: sum(change.deletions for change in changes()),
            "changedFiles": lambda _: len(changes()),
            "labels": connection("labels", pull.labels, lambda name: _label_view(pull, name)),
            "files": lambda info, **given: connection("files", changes(), _file_view)(info, **given),
            "comments": connection("comments", pull.issue_comments, lambda c: self.issue_comment(pull, c)),
            "reviews": connection("reviews", pull.reviews, lambda r: self.review(pull, r)),
            "reviewThreads": connection("reviewThreads", pull.threads, lambda t: self.thread(pull, t)),
        }

    def _comment(self, pull: "Pull", item: IssueComment | ReviewComment | Review) -> Json:
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

    def issue_comment(self, pull: "Pull", comment: IssueComment) -> Json:
        """`IssueComment`."""
        return {
            **self._comment(pull, comment),
            "__typename": "IssueComment",
            "url": f"{pull.html_url}#issuecomment-{comment.id}",
            "createdAt": timestamp(comment.created_at),
            "updatedAt": timestamp(comment.updated_at),
            "pullRequest": lambda _: self.pull(pull),
            "reactionGroups": _reaction_groups(comment.reactions),
        }

    def review(self, pull: "Pull", review: Review) -> Json:
        """`PullRequestReview`."""
        mine = [c for c in pull.review_comments() if c.review_id == review.id]
        return {
            **self._comment(pull, review),
            "__typename": "PullRequestReview",
            "url": f"{pull.html_url}#pullrequestreview-{review.id}",
            "state": review.state,
            "submittedAt": timestamp(review.submitted_at),
            "createdAt": timestamp(review.submitted_at),
            "commit": lambda _: self._commit(pull.repository, review.commit_id),
            "comments": connection("comments", mine, lambda c: self.review_comment(pull, c)),
        }

    def thread(self, pull: "Pull", thread: ReviewThread) -> Json:
        """`PullRequestReviewThread`."""
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

    def review_comment(self, pull: "Pull", comment: ReviewComment) -> Json:
        """`PullRequestReviewComment`."""
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
            "replyTo": lambda _: self.review_comment(pull, thread.root) if comment.in_reply_to_id else None,
            "commit": lambda _: self._commit(pull.repository, comment.commit_id),
            "originalCommit": lambda _: self._commit(pull.repository, comment.original_commit_id),
            "pullRequestReview": lambda _: next(
                (self.review(pull, r) for r in pull.reviews if r.id == comment.review_id), None
            ),
            "reactionGroups": _reaction_groups(comment.reactions),
        }


def account_view(repo: "Repository", account: Account) -> Json:
    """`Actor`; the login of a bot has no `[bot]` here, other than in REST."""
    login = account.login.removesuffix("[bot]")
    html = repo.hub.urls.html
    return {
        "__typename": account.type,
        "id": node_id("U", account.id),
        "login": login,
        "name": login,
        "url": f"{html}/{login}",
        "resourcePath": f"/{login}",
        "avatarUrl": f"{html}/avatars/{account.id}",
    }


def _label_view(pull: "Pull", name: str) -> Json:
    return {"id": f"LA_{pull.repository.id}_{name}", "name": name, "color": "ededed"}


def _file_view(change: Any) -> Json:
    return {
        "path": change.filename,
        "additions": change.additions,
        "deletions": change.deletions,
        "changeType": _CHANGE.get(change.status, "CHANGED"),
    }


def _reaction_groups(reactions: Sequence[Reaction]) -> list[Json]:
    return [
        {
            "content": name,
            "reactors": connection("reactors", [r for r in reactions if r.content == content], lambda _: {}),
        }
        for content, name in _REACTIONS.items()
    ]


def as_query_error(error: ApiError) -> QueryError:
    """The REST error of a verb, in GraphQL's words."""
    kind = {404: "NOT_FOUND", 403: "FORBIDDEN"}.get(error.status, "UNPROCESSABLE")
    return QueryError(kind, error.message)
