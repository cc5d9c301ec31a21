"""Commit fixes to the branch of a pull request with GitHub's git data API: blobs, a tree, a commit, then the ref.

Never a checkout and never a force push: a ref moves only forward, from the head that the fix was made for. Never writes to
the base branch, the default branch, a protected branch, or a fork. https://docs.github.com/en/rest/git
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from app.domain.fix import BranchCommit, FixedFile, FixObstacle
from app.domain.pull_request import PullRequest
from app.errors import BranchTaken, GitHubForbidden, GitHubNotFound, GitHubRejected, HeadMoved
from app.github.addresses import is_enterprise_server
from app.github.client import RepositoryClient

HISTORY = 50  # commits
# Rules that do not forbid a push: https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch
_HARMLESS_RULES = frozenset(
    {"creation", "deletion", "non_fast_forward", "required_linear_history", "copilot_code_review"}
)


class FixBranch:
    """`app.domain.fix.FixWriter` for pull requests of `client`'s repository."""

    def __init__(self, client: RepositoryClient) -> None:
        self._reading = client
        self._name = (client.owner, client.repo)

    @property
    def _client(self) -> RepositoryClient:
        """The client with `contents: write`, which the operator grants or not."""
        return self._reading.resolving()

    async def obstacle(self, pull: PullRequest) -> FixObstacle | None:
        """Say why fixes of this pull request cannot be committed; None if they can."""
        if pull.head_repository is None or pull.head_repository.lower() != pull.ref.repository.lower():
            return FixObstacle.FORK
        repos = self._client.rest.repos
        try:
            repository: Any = await self._client.fetch(repos.async_get(*self._name), to="read the repository")
        except GitHubForbidden:
            return FixObstacle.NO_PERMISSION
        if pull.head_ref in (pull.base_ref, repository["default_branch"]):
            return FixObstacle.SHARED_BRANCH
        branch = quote(pull.head_ref, safe="")
        found: Any = await self._client.fetch(
            repos.async_get_branch(*self._name, branch), to="read the protection of a branch"
        )
        rules: Any = await self._client.fetch(
            repos.async_get_branch_rules(*self._name, branch, per_page=100), to="read the rules of a branch"
        )
        is_ruled = any(rule["type"] not in _HARMLESS_RULES for rule in rules)
        return FixObstacle.PROTECTED if found["protected"] or is_ruled else None

    async def history(self, pull: PullRequest) -> Sequence[BranchCommit]:
        """Return the newest commits of the branch, newest first."""
        request = self._client.rest.repos.async_list_commits(*self._name, sha=pull.head_sha, per_page=HISTORY)
        rows: Any = await self._client.fetch(request, to="read the commits of a branch")
        return [
            BranchCommit(
                sha=row["sha"],
                message=row["commit"]["message"],
                author=row["author"]["login"] if row["author"] and self._is_signed(row["commit"]) else None,
            )
            for row in rows
        ]

    def _is_signed(self, commit: Mapping[str, Any]) -> bool:
        """Whether GitHub vouches for the author, whom a pusher can make up. Enterprise Server signs only if its operator says so.

        https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification
        """
        return commit["verification"]["verified"] or is_enterprise_server(self._reading.api_url)

    async def own_login(self) -> str:
        """Return the login as which commits are made."""
        return await self._reading.own_login()

    async def commit(self, pull: PullRequest, files: Sequence[FixedFile], message: str) -> str:
        """Commit on the head and move the branch to it; return the commit's id."""
        await self._check_head(pull)
        sha = (await self._create_commit(pull, files, message))["sha"]
        await self._check_head(pull)  # a branch that moved back would take the new commit, too
        request = self._client.rest.git.async_update_ref(
            *self._name, quote(f"heads/{pull.head_ref}", safe="/"), sha=sha, force=False
        )
        try:
            await self._client.send(request, to="move the branch to the fix")
        except GitHubRejected:
            await self._check_head(pull)
            raise
        return sha

    async def _check_head(self, pull: PullRequest) -> None:
        request = self._client.rest.git.async_get_ref(*self._name, quote(f"heads/{pull.head_ref}", safe="/"))
        try:
            ref: Any = await self._client.fetch(request, to="read the branch")
        except GitHubNotFound as error:
            raise HeadMoved("The branch was deleted.") from error
        if ref["object"]["sha"] != pull.head_sha:
            raise HeadMoved("The pull request was pushed to while its fix was made.")

    async def _create_commit(
        self, pull: PullRequest, files: Sequence[FixedFile], message: str
    ) -> Mapping[str, Any]:
        git = self._client.rest.git
        head: Any = await self._client.fetch(
            git.async_get_commit(*self._name, pull.head_sha), to="read the head's commit"
        )
        entries = [await self._create_blob(file) for file in files]
        body: Any = {"base_tree": head["tree"]["sha"], "tree": entries}
        tree: Any = await self._client.fetch(
            git.async_create_tree(*self._name, data=body), to="create the tree of the fix"
        )
        content: Any = {"message": message, "tree": tree["sha"], "parents": [pull.head_sha]}
        return await self._client.fetch(
            git.async_create_commit(*self._name, data=content), to="create the commit of the fix"
        )

    async def _create_blob(self, file: FixedFile) -> dict[str, str]:
        request = self._client.rest.git.async_create_blob(
            *self._name, content=base64.b64encode(file.after).decode(), encoding="base64"
        )
        blob: Any = await self._client.fetch(request, to="create a file of the fix")
        mode = "100755" if file.is_executable else "100644"
        return {"path": file.path, "mode": mode, "type": "blob", "sha": blob["sha"]}

    async def propose(
        self,
        pull: PullRequest,
        files: Sequence[FixedFile],
        message: str,
        *,
        branch: str,
        title: str,
        body: str,
    ) -> int:
        """Commit to a new branch and open a pull request from it into the pull request's branch; return its number."""
        await self._check_head(pull)
        commit = await self._create_commit(pull, files, message)
        await self._create_branch(branch, commit)
        content: Any = {"title": title, "body": body, "head": branch, "base": pull.head_ref}
        request = self._client.rest.pulls.async_create(*self._name, data=content)
        opened: Any = await self._client.fetch(request, to="open a pull request with the fix")
        return opened["number"]

    async def _create_branch(self, branch: str, commit: Mapping[str, Any]) -> None:
        """Create the branch, or take the one that an interrupted attempt left: the same change of the same head."""
        name = quote(f"heads/{branch}", safe="/")
        git = self._client.rest.git
        try:
            ref: Any = await self._client.fetch(git.async_get_ref(*self._name, name), to="read the branch")
        except GitHubNotFound:
            request = git.async_create_ref(*self._name, ref=f"refs/heads/{branch}", sha=commit["sha"])
            await self._client.send(request, to="create a branch for the fix")
            return
        left: Any = await self._client.fetch(
            git.async_get_commit(*self._name, ref["object"]["sha"]), to="read the branch's commit"
        )
        if _content_of(left) != _content_of(commit):
            raise BranchTaken(f"The branch {branch} has another commit than the fix.")

    async def find_proposal(self, pull: PullRequest, *, branch: str) -> int | None:
        """Find the pull request that `propose` opened from this branch."""
        request = self._client.rest.pulls.async_list(
            *self._name, state="all", head=f"{pull.ref.owner}:{branch}", base=pull.head_ref
        )
        rows: Any = await self._client.fetch(request, to="find the pull request with the fix")
        own = await self.own_login()
        return next(
            (row["number"] for row in rows if row["head"]["ref"] == branch and row["user"]["login"] == own),
            None,
        )


def _content_of(commit: Mapping[str, Any]) -> tuple[object, ...]:
    """All of a commit but who made it and when: a pull request from equal commits says and changes the same."""
    return commit["tree"]["sha"], [each["sha"] for each in commit["parents"]], commit["message"].strip()
