"""Which code a model sees when it is asked whether a finding is fixed."""

from app.conversation.fixed import MAX_EXCERPT_LINES, excerpt
from tests.unit.findings.making import finding


def test_code_that_a_push_moved_out_of_the_line_is_shown() -> None:
    shorter = (
        "def search(rows):\n    return rows[:]\n\n\ndef show(row):\n    return (\n        row.id,\n    )\n"
    )
    shown = excerpt(finding(path="a.py", start_line=7, end_line=7), shorter)
    assert "1|def search(rows):" in shown
    assert "7|        row.id," in shown


def test_the_line_is_shown_of_a_function_that_is_longer_than_an_excerpt() -> None:
    text = "def long():\n" + "    step()\n" * 400
    rows = excerpt(finding(path="a.py", start_line=300, end_line=300), text).split("\n")
    assert "300|    step()" in rows
    assert len(rows) == MAX_EXCERPT_LINES + 1
