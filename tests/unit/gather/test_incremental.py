"""New code is recognized by its content."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.diff import Diff, FileDiff
from app.domain.patch import parse_diff
from app.gather.chunks import MARGIN_LINES, hunk_keys, unseen

LONG = [f"value_{number} = compute({number})" for number in range(400)]


def added(lines: list[str], *, path: str = "shop.py") -> tuple[FileDiff, ...]:
    """A new file, as its diff."""
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    body = "".join(f"+{line}\n" for line in lines)
    diff: Diff = parse_diff(f"{head}@@ -0,0 +1,{len(lines)} @@\n{body}".encode())
    return diff.files


def shown(files: tuple[FileDiff, ...]) -> dict[int, str]:
    """Map line numbers to the text that is left to read."""
    return {
        line.new_line: line.text
        for file in files
        for hunk in file.hunks
        for line in hunk.lines
        if line.new_line is not None
    }


def test_reviewed_hunks_are_not_shown_again() -> None:
    assert unseen(added(LONG), hunk_keys(added(LONG))) == ()


def test_a_changed_line_in_a_long_new_file_is_shown_with_its_neighbors_only() -> None:
    later = [*LONG[:200], "value_200 = 1 / 0", *LONG[201:]]
    left = shown(unseen(added(later), hunk_keys(added(LONG))))
    assert left[201] == "value_200 = 1 / 0"
    assert len(left) < 120
    assert set(left) >= set(range(201 - MARGIN_LINES, 202 + MARGIN_LINES))


def test_lines_that_moved_down_are_recognized() -> None:
    left = shown(unseen(added(["import os", *LONG]), hunk_keys(added(LONG))))
    assert left[1] == "import os"
    assert 300 not in left


def test_distant_changes_become_two_hunks() -> None:
    later = [*LONG]
    later[20], later[380] = "changed = 1", "changed = 2"
    [file] = unseen(added(later), hunk_keys(added(LONG)))
    assert len(file.hunks) == 2
    for hunk in file.hunks:
        assert hunk.new_count == len(hunk.lines)
        assert hunk.lines[0].new_line == hunk.new_start


def test_the_same_lines_in_another_file_are_new() -> None:
    assert unseen(added(LONG, path="other.py"), hunk_keys(added(LONG)))


@given(st.lists(st.text("abcdef(){}", max_size=5), min_size=2, max_size=80, unique=True), st.data())
def test_neighbors_of_a_removed_line_are_shown_again(lines: list[str], data: st.DataObject) -> None:
    """A removed check, for example, leaves no line of its own."""
    removed = data.draw(st.integers(0, len(lines) - 1))
    later = lines[:removed] + lines[removed + 1 :]
    left = shown(unseen(added(later), hunk_keys(added(lines))))
    assert {removed, removed + 1} & set(left)


@given(st.lists(st.text("ab}\t ", max_size=4), min_size=1, max_size=120), st.data())
def test_every_new_line_is_shown(lines: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines)))
    later = [*lines[:place], "a line that was not there", *lines[place:]]
    assert place + 1 in shown(unseen(added(later), hunk_keys(added(lines))))
