"""A case as something that can be reviewed: two commits in a temporary repository, read as `quorum review` reads a range.

Never runs anything of a case; git is started hardened, as everywhere.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.domain.diff import Side
from app.domain.pull_request import PullRequest, PullRequestRef, Snapshot, TextMatch
from app.evaluation.cases import Case
from app.github.git_process import Git
from app.github.local import GitRangeSource

_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "dev"), ("EMAIL", "dev@example.org"), ("DATE", "2026-01-01T00:00:00Z"))
}


class CaseSource:
    """The range of the two commits, with the title and text that the author gave the pull request."""

    def __init__(self, case: Case, range_source: GitRangeSource) -> None:
        self._case = case
        self._range = range_source

    async def snapshot(self, base_paths: Sequence[str]) -> Snapshot:
        """The change, with those of `base_paths` that the base has."""
        snapshot = await self._range.snapshot(base_paths)
        return replace(snapshot, pull_request=_pull_request(self._case))

    async def blob(self, path: str, side: Side) -> bytes | None:
        """A file at the head (RIGHT) or at the base (LEFT)."""
        return await self._range.blob(path, side)

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Lines of the head's tree with this whole word."""
        return await self._range.grep(word, limit=limit)


async def commit_case(case: Case, directory: Path) -> CaseSource:
    """The case as two commits of a new repository in `directory`."""
    git = Git(directory=directory, environment=_IDENTITY)
    await git.run("init", "--quiet", "--initial-branch=main")
    shutil.copytree(case.base, directory, dirs_exist_ok=True)
    await _commit(git, "base")
    shutil.copytree(case.head, directory, dirs_exist_ok=True)
    for path in case.removed:
        (directory / path).unlink()
    await _commit(git, "head")
    return CaseSource(case, GitRangeSource(directory, "HEAD^..HEAD"))


async def _commit(git: Git, message: str) -> None:
    await git.run("add", "--all", "--force")
    await git.run("commit", "--quiet", "--message", message)


def _pull_request(case: Case) -> PullRequest:
    return PullRequest(
        ref=PullRequestRef(owner="evals", repo=case.name, number=1),
        title=case.title,
        body=case.body,
        author="dev",
        author_is_bot=False,
        state="open",
        draft=False,
        labels=(),
        base_ref="main",
        base_sha="HEAD^",
        head_ref="change",
        head_sha="HEAD",
        head_repository=f"evals/{case.name}",
    )
