"""Read one pull request: the change, files of the base branch, Quorum's threads, contents, searches. A `Source`.

The snapshot takes one GraphQL query and the pages of the files API; contents and searches follow on demand. Without
git it logs a warning and continues with less. Never writes.
"""

import asyncio
import logging
from collections.abc import Sequence

from githubkit.graphql import GraphQLError

from app.domain.analysis import AdvisoryAnswer, Package
from app.domain.diff import Diff, FileDiff, Side
from app.domain.patch import parse_diff
from app.domain.publication import MarkerKind
from app.domain.pull_request import PullRequestRef, Snapshot, TextMatch, Thread
from app.errors import (
    GitHubError,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubUnavailable,
    Superseded,
)
from app.github import graphql
from app.github.changed_files import (
    ListedFile,
    commits_of,
    fetch_further_pages,
    fetch_page,
    parse_listed,
)
from app.github.client import RepositoryClient
from app.github.contents import HeadTree, parse_blob
from app.github.conversation import (
    complete_threads,
    fetch_nodes,
    fetch_pull_node,
    is_own,
    parse_thread,
    variables_of,
)
from app.github.failed_checks import is_about_checks, read_failed_checks
from app.github.git_objects import GitObjects
from app.github.issues import UNREAD_ISSUES, is_refused, read_issues
from app.github.pull_node import Node, child, parse_pull_request
from app.github.security import fetch_advisories

READ_ATTEMPTS = 3

_log = logging.getLogger(__name__)


class PullRequestSource:
    """A pull request on GitHub. Call `snapshot` first; the other methods use its head.

    Without `git`, there is no search, and patches that GitHub withholds cannot be read.
    """

    def __init__(
        self, client: RepositoryClient, ref: PullRequestRef, *, git: GitObjects | None = None
    ) -> None:
        self._client = client
        self._ref = ref
        self._git = git
        self._tree: HeadTree | None = None
        self._shas = ("", "")
        self._issues_refused = False

    async def snapshot(self, base_paths: Sequence[str]) -> Snapshot:
        """Read the change, and those of `base_paths` that exist at the base branch.

        Raises `GitHubNotFound`, or `Superseded` if pushes come faster than reads.
        """
        paths = list(dict.fromkeys(base_paths))
        for _ in range(READ_ATTEMPTS):
            pull, rows = await asyncio.gather(
                self._fetch_pull_or_fall_back(paths), fetch_page(self._client, self._ref, page=1)
            )
            if len(rows) < pull["changedFiles"]:
                rows += await fetch_further_pages(self._client, self._ref, changed_files=pull["changedFiles"])
            if commits_of(rows) <= {pull["headRefOid"]}:
                return await self._assemble(pull, rows, paths)
        raise Superseded(f"{self._ref} received new commits while Quorum read it.")

    async def blob(self, path: str, side: Side) -> bytes | None:
        """Read a file at the head (RIGHT) or at the merge base (LEFT); None if there is none."""
        return await self._seen().blob(path, side)

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Find lines of the head's tree that contain this whole word; empty without git."""
        return await self._seen().grep(word, limit=limit)

    def tree(self) -> HeadTree | None:
        """All code at the head; None without git."""
        return self._tree if self._git else None

    async def look_up_advisories(self, packages: Sequence[Package]) -> AdvisoryAnswer:
        """Ask GitHub about known vulnerabilities of the change's new packages. Raises `GitHubError`."""
        base_sha, head_sha = self._shas
        return await fetch_advisories(self._client, packages, base_sha=base_sha, head_sha=head_sha)

    def _seen(self) -> HeadTree:
        assert self._tree is not None, "snapshot() comes first"
        return self._tree

    async def _fetch_pull_or_fall_back(self, base_paths: Sequence[str]) -> Node:
        """Fetch with one query, or with REST if GraphQL is unavailable."""
        try:
            return await self._fetch_pull(base_paths)
        except GitHubRateLimited:
            raise
        except GitHubError as error:
            _log.warning("Continuing without GraphQL: %s", error)
            return await fetch_pull_node(self._client, self._ref, base_paths)

    async def _fetch_pull(self, base_paths: Sequence[str]) -> Node:
        variables = variables_of(self._ref) | {f"p{i}": path for i, path in enumerate(base_paths)}
        data, errors = await self._client.graphql_partly(
            graphql.snapshot(len(base_paths)), variables, to=f"read {self._ref}"
        )
        # A file missing at the base can be an error of its own. Any other error leaves a gap, such as a missing
        # configuration, which must not look like a repository without one.
        self._issues_refused = any(map(is_refused, errors))
        if serious := [error.message for error in errors if not (_is_expected(error) or is_refused(error))]:
            raise GitHubUnavailable(f"GitHub could not read {self._ref}: {serious[0][:200]}")
        points = child(data, "rateLimit").get("cost", 0)  # null where GitHub has no limits
        if points > graphql.MAX_POINTS:
            _log.warning("reading %s took %d points of GitHub's GraphQL limit", self._ref, points)
        pull = child(child(data, "repository"), "pullRequest")
        if not pull:
            raise GitHubNotFound(f"{self._ref} does not exist, or the token has no access to it.")
        return pull

    async def _assemble(self, pull: Node, rows: list[ListedFile], base_paths: list[str]) -> Snapshot:
        files, notes = await self._complete(list(map(parse_listed, rows)), pull)
        self._tree = HeadTree(self._client, head_sha=pull["headRefOid"], files=files, git=self._git)
        self._shas = pull["baseRefOid"], pull["headRefOid"]
        base_files, unread = _base_files(pull, base_paths)
        summary = await self._summary_comment(pull)
        return Snapshot(
            pull_request=parse_pull_request(self._ref, pull),
            diff=Diff(files=tuple(files)),
            base_files=base_files,
            threads=await self._threads(pull),
            summary_comment_id=int(summary["fullDatabaseId"]) if summary else None,
            summary_node_id=summary["id"] if summary else "",
            issues=await read_issues(self._client, self._ref, pull),
            failed_checks=await read_failed_checks(self._client, self._ref, pull),
            notes=(*notes, *unread, *((UNREAD_ISSUES,) if self._issues_refused else ())),
        )

    async def _complete(self, files: list[FileDiff], pull: Node) -> tuple[list[FileDiff], list[str]]:
        """Add patches that GitHub withholds, from one `git diff`."""
        total = max(pull["changedFiles"], len(files))
        unread = [file for file in files if file.error]
        if not unread and len(files) == total:
            return files, []
        try:
            diffs = await self._git_diff(pull, unread if len(files) == total else [])
        except (GitHubError, ValueError) as error:
            note = f"{len(unread) + total - len(files)} of {total} changed files could not be read: {error}"
            return files, [note]
        if len(files) < total:
            return list(diffs.values()), []
        return [diffs.get(file.path, file) if file.error else file for file in files], []

    async def _git_diff(self, pull: Node, files: Sequence[FileDiff]) -> dict[str, FileDiff]:
        if self._git is None:
            raise GitHubUnavailable("GitHub provides no patch, and git is not available here.")
        base = await self._fetch_merge_base(pull["baseRefOid"], pull["headRefOid"])
        await self._git.fetch(base, pull["headRefOid"])
        paths = [path for file in files for path in (file.path, file.previous_path) if path]
        diff = parse_diff(await self._git.diff(base, pull["headRefOid"], paths))
        return {file.path: file for file in diff.files}

    async def _fetch_merge_base(self, base_sha: str, head_sha: str) -> str:
        request = self._client.rest.repos.async_compare_commits(
            self._client.owner, self._client.repo, f"{base_sha}...{head_sha}", per_page=1
        )
        compared = await self._client.fetch(request, to=f"compare the branches of {self._ref}")
        return compared["merge_base_commit"]["sha"]

    async def _threads(self, pull: Node) -> tuple[Thread, ...]:
        nodes = await fetch_nodes(
            self._client,
            self._ref,
            document=graphql.REVIEW_THREADS,
            connection="reviewThreads",
            first=pull["reviewThreads"],
        )
        await complete_threads(self._client, self._ref, [node for node in nodes if parse_thread(node)])
        return tuple(thread for thread in map(parse_thread, nodes) if thread)

    async def _summary_comment(self, pull: Node) -> Node | None:
        """Find the summary comment; usually among the first comments, because the first review writes it."""
        if (found := _summary(pull["comments"]["nodes"])) is not None:
            return found
        return _summary(
            await fetch_nodes(
                self._client,
                self._ref,
                document=graphql.COMMENTS,
                connection="comments",
                first=pull["comments"],
            )
        )


def _is_expected(error: GraphQLError) -> bool:
    """Whether the error is about a file that is missing at the base, limits of a server without any, or unreadable checks."""
    return error.type == "NOT_FOUND" or (error.path or [""])[0] == "rateLimit" or is_about_checks(error)


def _summary(comments: Sequence[Node]) -> Node | None:
    own = [comment for comment in comments if is_own(comment, MarkerKind.SUMMARY)]
    return own[0] if own else None


def _base_files(pull: Node, paths: Sequence[str]) -> tuple[dict[str, bytes], list[str]]:
    target = child(child(pull, "baseRef"), "target")
    files: dict[str, bytes] = {}
    unread: list[str] = []
    for index, path in enumerate(paths):
        blob = child(child(target, f"p{index}"), "object")
        if not blob:
            continue  # the file does not exist at the base
        content = parse_blob(blob)
        if content is None:
            unread.append(f"{path} of the base branch was ignored: it is not text or is too large.")
        else:
            files[path] = content
    return files, unread
