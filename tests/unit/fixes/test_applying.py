"""Edits are applied all or none, and every line that they do not change keeps its bytes; patches are applied by git itself."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.fix import FixedFile, FixProblemCode, TextEdit
from app.errors import FixRejected
from app.fixes.applying import apply_edits
from app.fixes.patch import render_patch
from app.publish.blocks import fence

LINES = st.lists(st.sampled_from(["a", "b", "", "c d", "é", "\ttab "]), min_size=1, max_size=12)
ENDS = st.sampled_from(["\n", "\r\n"])


def edit(old: str, new: str, path: str = "a.py") -> TextEdit:
    return TextEdit(path=path, old=old, new=new)


@pytest.mark.parametrize(
    ("before", "edits", "after"),
    [
        (b"a\r\nb\r\nc\r\n", [edit("b\nc\n", "b\nX\nc\n")], b"a\r\nb\r\nX\r\nc\r\n"),
        (b"a\r\nb\r\nc", [edit("c", "c\nX"), edit("a", "1")], b"1\r\nb\r\nc\r\nX"),
        (b"a\nb\r\nc\n", [edit("b", "q\nr")], b"a\nq\r\nr\r\nc\n"),
        (b"\xef\xbb\xbfa\nb\n", [edit("b\n", "")], b"\xef\xbb\xbfa\n"),
        (b"\xe9\nb\n", [edit("b", "c")], b"\xe9\nc\n"),  # Latin-1
        (b"a\nb", [edit("a\nb", "a\nc")], b"a\nc"),
    ],
)
def test_an_edit_keeps_line_ends_encoding_and_all_other_bytes(
    before: bytes, edits: list[TextEdit], after: bytes
) -> None:
    [file] = apply_edits(edits, {"a.py": before})
    assert file.after == after


@pytest.mark.parametrize(
    ("before", "edits", "code"),
    [
        (b"a\nb\n", [edit("c", "d")], FixProblemCode.OLD_NOT_FOUND),
        (b"a\na\n", [edit("a", "b")], FixProblemCode.OLD_NOT_UNIQUE),
        (b"aaa\n", [edit("aa", "b")], FixProblemCode.OLD_NOT_UNIQUE),
        (b"a\nb\n", [edit("a\nb", "x"), edit("b\n", "y")], FixProblemCode.OVERLAPPING),
        (b"a\nb\n", [edit("a\nb\n", "")], FixProblemCode.EMPTIES_FILE),
        (b"a\nb\n", [edit("a", "a")], FixProblemCode.CHANGES_NOTHING),
        (b"a\nb\n", [edit("", "x")], FixProblemCode.EXISTS),
        (b"a\0b\n", [edit("a", "x")], FixProblemCode.NOT_TEXT),
        (b"a\n", [edit("a", "\ud800")], FixProblemCode.HIDDEN_CHARACTERS),
        (None, [edit("", " \n")], FixProblemCode.EMPTIES_FILE),
        (None, [edit("a", "b")], FixProblemCode.OLD_NOT_FOUND),
    ],
)
def test_one_edit_that_does_not_fit_rejects_the_whole_fix(
    before: bytes | None, edits: list[TextEdit], code: FixProblemCode
) -> None:
    with pytest.raises(FixRejected) as raised:
        apply_edits([edit("whole", "new", "other.py"), *edits], {"a.py": before, "other.py": b"whole\n"})
    assert raised.value.code == code


@given(lines=LINES, end=ENDS, place=st.integers(0, 11), new=LINES)
def test_replacing_one_unique_line_changes_only_that_line(
    lines: list[str], end: str, place: int, new: list[str]
) -> None:
    place = min(place, len(lines))
    new = [*new, "new"]
    before = [*lines[:place], "unique", *lines[place:]]
    [file] = apply_edits([edit("unique", "\n".join(new))], {"a.py": end.join(before).encode()})
    assert file.after == end.join([*lines[:place], *new, *lines[place:]]).encode()


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("a b/ü.py", b"x\ny\n", b"x\nz"),
        ("a.py", None, b"x\ny\n"),
        ("a.py", b"x\r\ny\r\n" * 50, b"x\r\nz\r\n" + b"x\r\ny\r\n" * 49),
        ("a.py", b"\xff\ny\n", b"\xff\nz\n"),
        ("a.py", b"x", b"x\n"),
        ('q"\\.py', b"a\x0cb\nx\n", b"a\x0cb\ny\n"),
        ("q.py", "a\u2028b\nx\n".encode(), "a\u2028b\ny\n".encode()),
        ("q.py", "a = '\u26a0\ufe0f'\nx\n".encode(), "a = '\u26a0\ufe0f'\ny\n".encode()),
        ("q.py", b"# " + b"~" * 44 + b"\nx\n", b"# " + b"~" * 44 + b"\ny\n"),
        ("q.py", b"x\n\n\n", b"y\n\n\n"),
        ("q.py", b"x\n/fix\n", b"y\n/fix\n\n"),
        ("`" * 50 + ".py", b"x\n", b"y\n"),
        ("q.py", "\u3164 = 1\nx\n".encode(), "\u3164 = 1\ny\n".encode()),
        ("q.py", b"x\n" + b"`" * 300, b"y\n" + b"`" * 300),
    ],
)
def test_git_applies_the_patch_as_a_comment_shows_it(
    tmp_path: Path, path: str, before: bytes | None, after: bytes
) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    file = tmp_path / path
    file.parent.mkdir(exist_ok=True)
    if before is not None:
        file.write_bytes(before)
    patch = render_patch([FixedFile(path=path, before=before, after=after)])
    assert "\r" not in patch
    shown = fence(patch, "diff").partition("\n")[2].rpartition("\n")[0] + "\n"
    subprocess.run(["git", "apply"], input=shown.encode(), cwd=tmp_path, check=True)
    assert file.read_bytes() == after
