"""Changed images are shown up to limits, and only if their bytes are those of an image."""

from collections.abc import Sequence

import pytest

from app.domain.diff import FileDiff, FileStatus, Side
from app.domain.pull_request import Snapshot, TextMatch
from app.domain.review import Omission
from app.gather.contents import MAX_IMAGE_BYTES, MAX_IMAGES, fetch_images

PNG = b"\x89PNG\r\n\x1a\nrest"


class Blobs:
    """A source that only has blobs."""

    def __init__(self, blobs: dict[str, bytes]) -> None:
        self.blobs = blobs

    async def snapshot(self, base_paths: Sequence[str]) -> Snapshot:
        raise NotImplementedError

    async def blob(self, path: str, side: Side) -> bytes | None:
        assert side is Side.RIGHT
        return self.blobs.get(path)

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        raise NotImplementedError

    def tree(self) -> None:
        return None


async def shown(blobs: dict[str, bytes], status: FileStatus = FileStatus.ADDED) -> list[tuple[str, str]]:
    files = [FileDiff(path=path, status=status, binary=True) for path in blobs]
    omitted = [Omission(path=path, reason="binary") for path in blobs]
    return [(each.path, each.media_type) for each in await fetch_images(Blobs(blobs), omitted, files)]


@pytest.mark.parametrize(
    ("path", "raw", "media_type"),
    [
        ("a.png", PNG, "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.gif", b"GIF89a..", "image/gif"),
        ("a.webp", b"RIFF....WEBPVP8 ", "image/webp"),
        ("a.PNG", b"\xff\xd8\xff\xe0", "image/jpeg"),
    ],
)
async def test_the_bytes_determine_the_type_of_an_image(path: str, raw: bytes, media_type: str) -> None:
    assert await shown({path: raw}) == [(path, media_type)]


@pytest.mark.parametrize(
    ("path", "raw"),
    [("a.png", b"<svg>"), ("a.bin", PNG), ("a.png", PNG + b"x" * MAX_IMAGE_BYTES), ("a.png", b"")],
)
async def test_other_files_and_large_images_are_not_shown(path: str, raw: bytes) -> None:
    assert await shown({path: raw}) == []


async def test_only_a_few_images_that_exist_at_the_head_are_read() -> None:
    assert await shown({"a.png": PNG}, FileStatus.REMOVED) == []
    assert len(await shown({f"{n}.png": PNG for n in range(9)})) == MAX_IMAGES
