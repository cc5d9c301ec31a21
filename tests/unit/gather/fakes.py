"""A `Source` in memory, and diffs of two texts."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.diff import Diff, DiffLine, FileDiff, FileStatus, Hunk, LineKind, Side
from app.domain.pull_request import Snapshot, Source, TextMatch
from app.gather import BASE_PATHS, Gathered, TierThresholds, gather, read_configuration


def diff_of(
    path: str, before: str | None, after: str | None, *, previous_path: str | None = None
) -> FileDiff:
    """Diff one file, with three lines of context as in git."""
    old = before.splitlines() if before is not None else []
    new = after.splitlines() if after is not None else []
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    hunks = tuple(_hunk(group, old, new) for group in matcher.get_grouped_opcodes(3))
    status = (
        FileStatus.ADDED if before is None else FileStatus.REMOVED if after is None else FileStatus.MODIFIED
    )
    if previous_path:
        status = FileStatus.RENAMED
    return FileDiff(path=path, previous_path=previous_path, status=status, hunks=hunks)


def _hunk(group: Sequence[tuple[str, int, int, int, int]], old: Sequence[str], new: Sequence[str]) -> Hunk:
    lines: list[DiffLine] = []
    for tag, i1, i2, j1, j2 in group:
        if tag == "equal":
            lines += [
                DiffLine(kind=LineKind.CONTEXT, text=old[i], old_line=i + 1, new_line=j + 1)
                for i, j in zip(range(i1, i2), range(j1, j2), strict=True)
            ]
            continue
        lines += [
            DiffLine(kind=LineKind.REMOVED, text=old[i], old_line=i + 1, new_line=None) for i in range(i1, i2)
        ]
        lines += [
            DiffLine(kind=LineKind.ADDED, text=new[j], old_line=None, new_line=j + 1) for j in range(j1, j2)
        ]
    (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
    return Hunk(
        old_start=i1 + 1,
        old_count=i2 - i1,
        new_start=j1 + 1,
        new_count=j2 - j1,
        section="",
        lines=tuple(lines),
    )


@dataclass
class FakeSource:
    """A change from one tree of texts to another; records its reads and searches."""

    base: Mapping[str, str]
    head: Mapping[str, str]
    extra_files: Sequence[FileDiff] = ()
    searched: list[str] = field(default_factory=list[str])
    read: list[tuple[str, Side]] = field(default_factory=list[tuple[str, Side]])

    async def snapshot(self, base_paths: Sequence[str]) -> Snapshot:
        changed = [
            path for path in sorted({*self.base, *self.head}) if self.base.get(path) != self.head.get(path)
        ]
        files = [diff_of(path, self.base.get(path), self.head.get(path)) for path in changed]
        return Snapshot(
            pull_request=None,
            diff=Diff(files=(*files, *self.extra_files)),
            base_files={path: self.base[path].encode() for path in base_paths if path in self.base},
        )

    async def blob(self, path: str, side: Side) -> bytes | None:
        self.read.append((path, side))
        text = (self.base if side is Side.LEFT else self.head).get(path)
        return None if text is None else text.encode()

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        self.searched.append(word)
        found = [
            TextMatch(path=path, line=number, text=line)
            for path, text in sorted(self.head.items())
            for number, line in enumerate(text.splitlines(), 1)
            if re.search(rf"\b{re.escape(word)}\b", line)
        ]
        return found[:limit]

    def tree(self) -> None:
        return None


async def gather_from(
    source: Source,
    *,
    thresholds: TierThresholds,
    seen: Collection[str] = (),
    for_models: bool = True,
    chunk_tokens: int = 40_000,
) -> Gathered:
    """Gather a change with the configuration of its base."""
    snapshot = await source.snapshot(BASE_PATHS)
    return await gather(
        source,
        snapshot=snapshot,
        configuration=read_configuration(snapshot),
        thresholds=thresholds,
        seen=seen,
        for_models=for_models,
        chunk_tokens=chunk_tokens,
    )
