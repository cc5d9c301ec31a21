"""Changed pictures that the docs stage may look at: few, small, and what their bytes say they are. Never decodes one."""

import asyncio
from collections.abc import Sequence
from pathlib import PurePosixPath

from app.domain.diff import FileDiff, FileStatus, Side
from app.domain.pull_request import Source
from app.domain.review import ChangedImage, Omission

MAX_IMAGES = 3
MAX_BYTES = 500_000
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})

_SIGNATURES = (  # https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


async def fetch_images(
    source: Source, omitted: Sequence[Omission], files: Sequence[FileDiff]
) -> tuple[ChangedImage, ...]:
    """The first pictures among the files that are left out as binary and are still there at the head."""
    there = {file.path for file in files if file.status is not FileStatus.REMOVED}
    paths = [
        each.path
        for each in omitted
        if each.reason == "binary"
        and each.path in there
        and PurePosixPath(each.path).suffix.lower() in SUFFIXES
    ][:MAX_IMAGES]
    raws = await asyncio.gather(*(source.blob(path, Side.RIGHT) for path in paths))
    found = (_image(path, raw) for path, raw in zip(paths, raws, strict=True))
    return tuple(image for image in found if image is not None)


def _image(path: str, raw: bytes | None) -> ChangedImage | None:
    media_type = _media_type(raw) if raw and len(raw) <= MAX_BYTES else None
    return ChangedImage(path=path, media_type=media_type, data=raw) if raw and media_type else None


def _media_type(raw: bytes) -> str | None:
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES if raw.startswith(signature)), None)
