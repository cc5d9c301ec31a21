"""Names what `quorum review` compares: the current branch with its upstream or the default branch, or a branch with HEAD.

Reads names and ancestors only, with git hardened (`git_process`).
"""

from dataclasses import dataclass

from app.errors import GitFailed, InputError
from app.github.git_process import Git

HEAD = "HEAD"
HEADS, REMOTES = "refs/heads/", "refs/remotes/"
_DEFAULT_NAMES = ("main", "master")
_NAME_ONE = "Name what to review, for example main...HEAD or HEAD~1..HEAD"


@dataclass(frozen=True, slots=True)
class Branches:
    """The branches of one repository."""

    git: Git

    async def expand(self, target: str) -> str:
        """Return the range from the merge base with a branch to HEAD; any other target stays as it is."""
        if ".." in target or target in (HEAD, "@"):
            return target
        full = await self._line("rev-parse", "--verify", "--symbolic-full-name", "--end-of-options", target)
        return f"{target}...{HEAD}" if full.startswith((HEADS, REMOTES)) else target

    async def choose(self) -> str:
        """Return the range of the current branch: from its upstream if it is ahead of it, or else from the default branch.

        Raises:
            InputError: there is no current branch, or nothing to compare it with.
        """
        branch = await self._line("symbolic-ref", "--quiet", HEAD)
        if not branch.startswith(HEADS):
            raise InputError(f"HEAD is detached, so there is no current branch. {_NAME_ONE}.")
        if not await self._line("rev-parse", "--verify", "--quiet", f"{HEAD}^{{commit}}"):
            raise InputError(f"{_short(branch)} has no commits yet. Use --staged to review what is staged.")
        upstream = await self._line("rev-parse", "--symbolic-full-name", f"{HEAD}@{{upstream}}")
        if upstream and await self._is_ahead(upstream):
            return f"{_short(upstream)}...{HEAD}"
        base = await self._default(branch) or upstream
        if not base:
            raise InputError(
                f"{_short(branch)} has no upstream, and there is no other default branch to compare it with. "
                f"{_NAME_ONE}, or use --staged."
            )
        return f"{_short(base)}...{HEAD}"

    async def _default(self, branch: str) -> str:
        """Return the default branch, as a remote or a usual name says; empty if it is unknown or the current branch."""
        remote = await self._line("for-each-ref", "--format=%(symref)", f"{REMOTES}*/{HEAD}")
        named = [each for each in remote.split("\n") if each.startswith(REMOTES)]
        origin = [each for each in named if each.startswith(f"{REMOTES}origin/")]
        usual = [f"{place}{name}" for name in _DEFAULT_NAMES for place in (HEADS, f"{REMOTES}origin/")]
        for each in (*origin, *named, *usual):
            if each == branch:
                return ""
            if await self._line("rev-parse", "--verify", "--quiet", f"{each}^{{commit}}"):
                return each
        return ""

    async def _is_ahead(self, upstream: str) -> bool:
        return await self._line("rev-list", "--count", f"{upstream}..{HEAD}") not in ("", "0")

    async def _line(self, *arguments: str) -> str:
        """Return what git prints; empty if it fails."""
        try:
            return (await self.git.run(*arguments)).decode("utf-8", "surrogateescape").strip()
        except GitFailed:
            return ""


def _short(ref: str) -> str:
    return ref.removeprefix(HEADS).removeprefix(REMOTES)
