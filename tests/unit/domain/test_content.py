"""What a file is depends on its bytes; a change is described from two contents without git."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.content import ContentKind, kind_of, text_change
from app.domain.diff import FileDiff, FileStatus, LineKind

CODE = b"import os\nos.system('ls ' + input())\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        CODE,
        b"\0",
        CODE + b"\0",
        b"\0" * 10 + CODE,
        CODE * 50 + b"# \0\0\0\n" * 20,
        "# prüfen\n".encode("latin-1") + CODE * 4,
        "// комментарий\n".encode("cp1251") + CODE * 6,
        b"GIF89a=1;\0" + CODE,
        b"\x1b[31m" + CODE,
    ],
)
def test_text_stays_text_with_a_few_strange_bytes(raw: bytes) -> None:
    assert kind_of(raw) is ContentKind.TEXT


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_text_is_named(encoding: str) -> None:
    assert kind_of(CODE.decode().encode(encoding)) is ContentKind.UTF_16


def test_binaries_and_images_are_told_apart() -> None:
    noise = bytes(range(256)) * 8
    assert kind_of(b"\x7fELF" + noise) is ContentKind.BINARY
    assert kind_of(b"\x89PNG\r\n\x1a\n" + noise) is ContentKind.IMAGE
    assert kind_of(b"RIFF0000WEBP" + noise) is ContentKind.IMAGE


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "\r", "\0"]), max_size=8)


@given(LINES, LINES, st.booleans(), st.booleans())
def test_a_change_of_two_texts_can_be_applied(
    old: list[str], new: list[str], old_ends: bool, new_ends: bool
) -> None:
    base = "\n".join(old) + ("\n" if old_ends and old else "")
    head = "\n".join(new) + ("\n" if new_ends and new else "")
    file = text_change(
        FileDiff(path="a", status=FileStatus.MODIFIED, binary=True), base=base.encode(), head=head.encode()
    )
    before, after = split(base), split(head)
    shown = [line for hunk in file.hunks for line in hunk.lines]
    for line in shown:
        if line.old_line is not None:
            assert before[line.old_line - 1] == line.text
        if line.new_line is not None:
            assert after[line.new_line - 1] == line.text
    removed = {line.old_line for line in shown if line.kind is LineKind.REMOVED}
    kept = [text for number, text in enumerate(before, 1) if number not in removed]
    added = {line.new_line for line in shown if line.kind is LineKind.ADDED}
    assert kept == [text for number, text in enumerate(after, 1) if number not in added]


def split(text: str) -> list[str]:
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]
