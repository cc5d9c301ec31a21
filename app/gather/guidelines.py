"""Choose the guidelines that models see, and cut long ones: what is about the changed paths comes first. Pure.

Guidelines are data, never instructions. A short guideline is shown as it is, byte for byte.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from app.domain.configuration import RepositoryConfig
from app.domain.pull_request import Snapshot
from app.domain.review import Guideline, GuidelineCut
from app.gather.selection import Globs

SHARES = {"trivial": 1, "lite": 2, "full": 3}  # how many guidelines of full length a review has room for
MIN_CHARACTERS = 200  # less of a guideline says nothing
MAX_GLOBS = 100  # of one guideline
_WORD = re.compile(r"[\w.*{}/-]+")
_HEADING = re.compile(r"#{1,6}\s")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenGuidelines:
    """The guidelines as models see them, and which of them were cut."""

    shown: tuple[Guideline, ...]
    cuts: tuple[GuidelineCut, ...]


def choose_guidelines(
    found: Mapping[str, bytes], order: Sequence[str], *, tier: str, characters: int, paths: Collection[str]
) -> ChosenGuidelines:
    """Choose each text once, in the configured order and then by name. Guidelines of the changed files' folders get room first.

    Args:
        found: the files by path.
        order: the configured paths.
        tier: of the review.
        characters: the limit of one guideline.
        paths: the changed files.
    """
    names = [name for name in order if name in found] + sorted(set(found) - set(order))
    texts: dict[str, str] = {}
    for name in names:
        text = found[name].decode("utf-8", "replace").strip()
        if text and text not in texts.values():
            texts[name] = text
    room = characters * SHARES[tier]
    shown: dict[str, Guideline] = {}
    cuts: dict[str, GuidelineCut] = {}
    for name in sorted(texts, key=lambda name: -_depth(name)):
        limit = min(characters, room if room >= MIN_CHARACTERS else 0)
        part, cut = _cut(name, texts[name], limit, paths)
        if part:
            shown[name] = Guideline(path=name, text=part)
            room -= len(part)
        if cut:
            cuts[name] = cut
    return ChosenGuidelines(
        shown=tuple(shown[name] for name in texts if name in shown),
        cuts=tuple(cuts[name] for name in texts if name in cuts),
    )


def guideline_cuts(snapshot: Snapshot, config: RepositoryConfig) -> tuple[GuidelineCut, ...]:
    """What a full review of the change would not show of the guidelines in the snapshot."""
    return choose_guidelines(
        {path: raw for path, raw in snapshot.base_files.items() if path in config.guidelines},
        config.guidelines,
        tier="full",
        characters=config.guideline_characters,
        paths=[file.path for file in snapshot.diff.files],
    ).cuts


def _depth(path: str) -> int:
    """How many folders the guideline is deep; `.github` is about the whole repository."""
    return len([folder for folder in PurePosixPath(path).parent.parts if folder != ".github"])


def _cut(path: str, text: str, limit: int, paths: Collection[str]) -> tuple[str, GuidelineCut | None]:
    """The text within the limit, at whole lines, and where it was cut: the first line of the file that is not shown."""
    if len(text) <= limit:
        return text, None
    lines = text.split("\n")
    kept: set[int] = set()
    room = limit
    order = _by_relevance(lines, paths)
    for number in order:
        room -= len(lines[number]) + 1
        if room < 0:
            break
        kept.add(number)
    body = "\n".join(lines[number] for number in order if number in kept) or lines[order[0]][:limit]
    first = next(number for number in range(len(lines)) if number not in kept)
    cut = GuidelineCut(
        path=path, line=first + 1, lines=len(lines), shown_characters=len(body), characters=len(text)
    )
    return (f"{body}\n[cut: {len(text) - len(body)} more characters]" if body else ""), cut


def _by_relevance(lines: Sequence[str], paths: Collection[str]) -> list[int]:
    """The numbers of the lines, with the sections that name a changed path first."""
    sections = _sections(lines)
    names = _Names.of(paths)
    relevant = [section for section in sections if names.are_in("\n".join(lines[n] for n in section))]
    others = [section for section in sections if section not in relevant]
    return [number for section in (*relevant, *others) for number in section]


def _sections(lines: Sequence[str]) -> list[range]:
    """The runs of lines from one heading to the next; a `#` in a fence is no heading."""
    starts = [0]
    is_fenced = False
    for number, line in enumerate(lines):
        is_fenced ^= bool(_FENCE.match(line))
        if number and not is_fenced and _HEADING.match(line):
            starts.append(number)
    return [range(start, end) for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """The words that name changed files."""

    paths: tuple[str, ...]
    words: frozenset[str]  # paths, file names, folders, and extensions

    @staticmethod
    def of(paths: Collection[str]) -> "_Names":
        words: set[str] = set()
        for path in map(PurePosixPath, paths):
            words |= {str(path), path.name}
            words |= {suffix for suffix in (path.suffix,) if suffix}
            words |= {f"{folder}/" for folder in path.parents if folder.name}
        return _Names(paths=tuple(paths), words=frozenset(words))

    def are_in(self, text: str) -> bool:
        """Whether the text names a changed file, its folder, its extension, or a pattern that matches it."""
        words = {word.rstrip(".,") for word in _WORD.findall(text)}
        if any(word in self.words or f"{word}/" in self.words and "/" in word for word in words):
            return True
        patterns = sorted(word for word in words if "*" in word)[:MAX_GLOBS]
        globs = Globs(word for word in patterns if word.strip("*./"))
        return any(map(globs.matches, self.paths))
