"""Reads the commits of a pull request's branch: those of earlier fixes, and the form of their messages. Pure."""

import re
from collections.abc import Iterable, Sequence

from app.domain.fix import BranchCommit

CONVENTIONAL_SHARE = 0.5  # of the branch's subjects, for `fix: …`
_CONVENTIONAL = re.compile(r"[a-z]{2,10}(?:\([\w ./-]{1,40}\))?!?: \S", re.ASCII)


def find_commit(history: Sequence[BranchCommit], trailer: str, *, by: str) -> BranchCommit | None:
    """The newest commit by this login that has the trailer."""
    return next((each for each in history if each.author == by and trailer in each.message.split("\n")), None)


def fixed_in(history: Sequence[BranchCommit], fingerprints: Iterable[str], *, by: str) -> dict[str, str]:
    """The findings that commits by this login fix, with the newest commit of each."""
    found = {each: find_commit(history, f"Quorum-Finding: {each}", by=by) for each in fingerprints}
    return {fingerprint: commit.sha for fingerprint, commit in found.items() if commit}


def newer_than(history: Sequence[BranchCommit], sha: str | None) -> list[BranchCommit]:
    """The commits after this one; none if it is not in the history."""
    shas = [each.sha for each in history]
    return list(history[: shas.index(sha)]) if sha in shas else []


def is_conventional(history: Sequence[BranchCommit]) -> bool:
    """Whether the repository's subjects look like `feat: …`: https://www.conventionalcommits.org/en/v1.0.0/"""
    subjects = [each.message.partition("\n")[0] for each in history]
    fitting = sum(_CONVENTIONAL.match(subject) is not None for subject in subjects)
    return bool(subjects) and fitting >= CONVENTIONAL_SHARE * len(subjects)
