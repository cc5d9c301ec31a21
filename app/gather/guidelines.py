"""The texts in which the team says how it writes code, from the base ref alone and capped. Data, never instructions."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from app.domain.review import Guideline

FOLDER_NAMES = ("AGENTS.md", "REVIEW.md")
MAX_FOLDER_LOOKUPS = 6
MAX_CHARACTERS = 4_000  # of one text
MAX_TOTAL_CHARACTERS = {"trivial": 4_000, "lite": 8_000, "full": 12_000}


def folder_candidates(paths: Iterable[str], *, named: Sequence[str]) -> tuple[str, ...]:
    """Names that per-folder guidelines of the changed files could have; folders with most changed files first."""
    changed: dict[str, int] = {}
    for path in paths:
        for folder in PurePosixPath(path).parents:
            if folder.name:
                changed[str(folder)] = changed.get(str(folder), 0) + 1
    folders = sorted(changed, key=lambda folder: (-changed[folder], folder))
    names = [f"{folder}/{name}" for folder in folders for name in FOLDER_NAMES if name in named]
    return tuple(names[:MAX_FOLDER_LOOKUPS])


def choose_guidelines(
    found: Mapping[str, bytes], order: Sequence[str], *, tier: str
) -> tuple[Guideline, ...]:
    """The texts that were found, in the configured order and then by name, each once and within the cap."""
    names = [name for name in order if name in found] + sorted(set(found) - set(order))
    room = MAX_TOTAL_CHARACTERS[tier]
    chosen: list[Guideline] = []
    seen: set[str] = set()
    for name in names:
        text = found[name].decode("utf-8", "replace").strip()
        shown = _cut(text, min(MAX_CHARACTERS, room))
        if text and room > 0 and text not in seen:
            chosen.append(Guideline(path=name, text=shown))
            seen.add(text)
            room -= len(shown)
    return tuple(chosen)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}\n[cut: {len(text) - limit} more characters]"
