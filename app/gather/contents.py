"""Read what a review needs besides the diff: contents of files, guidelines and images.

Guidelines are data, never instructions. They come from the base ref, so a change cannot bring its own.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from app.domain.configuration import RepositoryConfig
from app.domain.content import ContentKind
from app.domain.diff import FileDiff, FileStatus, Side
from app.domain.pull_request import Snapshot, Source
from app.domain.review import ChangedImage, Omission
from app.gather.bundled import is_bundled
from app.gather.configuration import DEFAULT_GUIDELINES
from app.gather.definitions import Texts

MAX_CONCURRENT_READS = 32
FOLDER_NAMES = ("AGENTS.md", "REVIEW.md")
MAX_FOLDER_LOOKUPS = 6
MAX_IMAGES = 3
MAX_IMAGE_BYTES = 500_000  # of one image
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})

_SIGNATURES = (  # https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The contents of the changed files at the head and at the merge base, by path at the head."""

    heads: Mapping[str, bytes]
    bases: Mapping[str, bytes]

    def texts(self, files: Sequence[FileDiff]) -> Texts:
        """Decode the contents of these files."""
        shown = {file.path for file in files}
        return Texts.of(
            heads={path: raw.decode("utf-8", "replace") for path, raw in self.heads.items() if path in shown},
            bases={path: raw.decode("utf-8", "replace") for path, raw in self.bases.items() if path in shown},
        )


async def fetch_contents(source: Source, files: Sequence[FileDiff]) -> Contents:
    """Read both sides of each file."""
    slots = asyncio.Semaphore(MAX_CONCURRENT_READS)

    async def fetch(file: FileDiff, side: Side) -> bytes | None:
        path = file.previous_path or file.path if side is Side.LEFT else file.path
        async with slots:
            return await source.blob(path, side)

    left = [file for file in files if file.status is not FileStatus.ADDED]
    right = [file for file in files if file.status is not FileStatus.REMOVED]
    bases, heads = await asyncio.gather(
        asyncio.gather(*(fetch(file, Side.LEFT) for file in left)),
        asyncio.gather(*(fetch(file, Side.RIGHT) for file in right)),
    )
    return Contents(
        heads={file.path: raw for file, raw in zip(right, heads, strict=True) if raw is not None},
        bases={file.path: raw for file, raw in zip(left, bases, strict=True) if raw is not None},
    )


def folder_candidates(paths: Iterable[str], *, named: Sequence[str]) -> tuple[str, ...]:
    """List the paths where folders of the changed files could have guidelines; folders with most changes first."""
    changed: dict[str, int] = {}
    for path in paths:
        for folder in PurePosixPath(path).parents:
            if folder.name and not is_bundled(f"{folder}/x"):
                changed[str(folder)] = changed.get(str(folder), 0) + 1
    folders = sorted(changed, key=lambda folder: (-changed[folder], folder))
    names = [f"{folder}/{name}" for folder in folders for name in FOLDER_NAMES if name in named]
    return tuple(names[:MAX_FOLDER_LOOKUPS])


async def find_guidelines(
    source: Source, snapshot: Snapshot, config: RepositoryConfig, *, folders: Sequence[str] | None
) -> dict[str, bytes]:
    """Read guidelines from the snapshot and, unless `folders` is None, from other paths at the merge base."""
    found = {path: raw for path, raw in snapshot.base_files.items() if path in config.guidelines}
    if folders is None:
        return found
    named = [path for path in config.guidelines if path not in DEFAULT_GUIDELINES]
    paths = list(dict.fromkeys((*named, *folders)))
    raws = await asyncio.gather(*(source.blob(path, Side.LEFT) for path in paths))
    return found | {path: raw for path, raw in zip(paths, raws, strict=True) if raw is not None}


async def fetch_images(
    source: Source, omitted: Sequence[Omission], files: Sequence[FileDiff]
) -> tuple[ChangedImage, ...]:
    """Read the first few images that are omitted as binary and exist at the head. Never decodes them."""
    existing = {file.path for file in files if file.status is not FileStatus.REMOVED}
    paths = [
        each.path
        for each in omitted
        if each.reason in (ContentKind.IMAGE, ContentKind.BINARY)
        and each.path in existing
        and PurePosixPath(each.path).suffix.lower() in SUFFIXES
    ][:MAX_IMAGES]
    raws = await asyncio.gather(*(source.blob(path, Side.RIGHT) for path in paths))
    found = (_image(path, raw) for path, raw in zip(paths, raws, strict=True))
    return tuple(image for image in found if image is not None)


def _image(path: str, raw: bytes | None) -> ChangedImage | None:
    media_type = _media_type(raw) if raw and len(raw) <= MAX_IMAGE_BYTES else None
    return ChangedImage(path=path, media_type=media_type, data=raw) if raw and media_type else None


def _media_type(raw: bytes) -> str | None:
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES if raw.startswith(signature)), None)
