"""A finding stands where its quote stands, whatever the model's line number says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.diff import Side
from app.domain.finding import Finding, Placement
from app.domain.patch import parse_diff
from app.findings.anchor import anchor, locate
from app.findings.quotes import DiffIndex, HeadRuns, QuoteMatch, words
from tests.unit.findings.making import RUFF, finding, index_of

OLD = """\
import db

def pay(id):
    conn = db.connect()
    q = "SELECT * FROM t WHERE id = " + id
    return conn.run(q)

def close(conn):
    if conn:
        conn.close()
"""
NEW = """\
import db
import log

def pay(id):
    conn = db.connect()
    q = (
        "SELECT * FROM t "
        "WHERE id = " + id
    )
    log.info(q)
    return conn.run(q)

def close(conn):
    if conn:
        log.info("closed")
        conn.close()
    else:
        log.info("nothing")
"""
INDEX = index_of({"src/pay.py": (OLD, NEW), "readme.md": ("hello\n", "hello\n- item one\n")})
PLACES = {
    "verbatim": ('        "WHERE id = " + id', 8, 8),
    "white space folded": ('"WHERE   id = "+id', 8, 8),
    "part of a line": ("conn.run(q)", 11, 11),
    "several lines": ('    q = (\n        "SELECT * FROM t "\n        "WHERE id = " + id\n    )', 6, 9),
    "several lines on one": ('q = ( "SELECT * FROM t " "WHERE id = " + id )', 6, 9),
    "with marks": ("+    log.info(q)\n     return conn.run(q)", 10, 11),
    "with numbers and marks": ("10+    log.info(q)\n11     return conn.run(q)", 10, 11),
    "with numbers": ("10: log.info(q)\n11: return conn.run(q)", 10, 11),
    "with both sides": ('-    q = "SELECT * FROM t WHERE id = " + id\n+    log.info(q)', 10, 10),
    "in a fence": ("```python\nlog.info(q)\n```", 10, 10),
    "in backticks": ("`return conn.run(q)`", 11, 11),
    "cut at its end": ('        "SELECT * FROM …', 7, 7),
    "with a hole": ('log.info("closed")\n...\n    else:', 15, 15),
    "redacted": ('"WHERE id = [REDACTED:password]" + id', 8, 8),
    "with a blank line": ("return conn.run(q)\n\ndef close(conn):", 11, 13),
    "misquoted in part": ('log.info("closed")\nconn.shutdown()', 15, 15),
}


@pytest.mark.parametrize(("quote", "start", "end"), PLACES.values(), ids=PLACES.keys())
def test_a_finding_moves_to_the_lines_that_contain_its_quote(quote: str, start: int, end: int) -> None:
    placed = anchor(finding(path="src/pay.py", quote=quote, line=2), INDEX)
    assert (placed.placement, placed.start_line, placed.end_line) == (Placement.INLINE, start, end)
    assert placed.side is Side.RIGHT


def test_the_quote_stays_as_the_finder_saw_it() -> None:
    """The code itself may hold a secret that was redacted for the finder."""
    quote = '"WHERE id = [REDACTED:password]" + id'
    assert anchor(finding(path="src/pay.py", quote=quote), INDEX).quote == quote
    assert anchor(finding(path="src/pay.py", line=10, quote="", found_by=(RUFF,)), INDEX).quote == ""
    assert anchor(finding(path="src/pay.py", quote="x\n" * 30), INDEX).quote.count("\n") == 19


def test_a_removed_line_is_found_on_the_base_side() -> None:
    placed = anchor(
        finding(path="src/pay.py", quote='q = "SELECT * FROM t WHERE id = " + id', line=40), INDEX
    )
    assert (placed.placement, placed.side, placed.start_line) == (Placement.INLINE, Side.LEFT, 5)


def test_a_list_item_is_not_mistaken_for_a_removed_line() -> None:
    placed = anchor(finding(path="readme.md", quote="- item one"), INDEX)
    assert (placed.placement, placed.side, placed.start_line) == (Placement.INLINE, Side.RIGHT, 2)


@pytest.mark.parametrize("path", ["readme.md", "other.py", "b/src/pay.py", "pay.py", "./src/pay.py"])
def test_a_finding_in_the_wrong_file_moves_to_the_only_file_with_its_quote(path: str) -> None:
    placed = anchor(finding(path=path, quote="return conn.run(q)", line=1), INDEX)
    assert (placed.path, placed.start_line, placed.placement) == ("src/pay.py", 11, Placement.INLINE)


def test_a_renamed_file_is_found_by_its_old_name() -> None:
    data = b"diff --git a/old.py b/new.py\nrename from old.py\nrename to new.py\n--- a/old.py\n+++ b/new.py\n"
    index = DiffIndex(parse_diff(data + b"@@ -1 +1 @@\n-amount = 1\n+amount = 2\n"))
    placed = anchor(finding(path="old.py", quote="amount = 2"), index)
    assert (placed.path, placed.start_line, placed.placement) == ("new.py", 1, Placement.INLINE)


@pytest.mark.parametrize("quote", ["", "   ", "os.system(cmd)", ")"])
def test_a_finding_whose_quote_is_not_in_the_diff_stays_on_its_file(quote: str) -> None:
    assert anchor(finding(path="src/pay.py", quote=quote, line=900), INDEX).placement is Placement.FILE


def test_a_finding_in_an_unchanged_file_has_no_place() -> None:
    assert anchor(finding(path="/etc/passwd", quote="root:x:0:0"), INDEX).placement is Placement.SUMMARY


def located(said: Finding, source: str | None, index: DiffIndex = INDEX) -> Finding | None:
    return locate(anchor(said, index), index, HeadRuns(lambda path, side: source))


SOURCE = NEW + "\nopen_gate()\nopen_door()\n" + "\n" * 30 + "open_gate()\n"


@pytest.mark.parametrize(
    ("quote", "line", "expected"),
    [
        ("open_door()", 900, 21),
        ("open_gate()", 1, 20),
        ("open_gate()", 900, 52),
        ("open_door()\nnever()", 1, 21),
    ],
)
def test_a_finding_outside_the_hunks_gets_its_line_but_stays_on_the_file(
    quote: str, line: int, expected: int
) -> None:
    on_file = located(finding(path="src/pay.py", quote=quote, line=line), SOURCE)
    assert on_file is not None
    assert (on_file.start_line, on_file.end_line, on_file.placement) == (expected, expected, Placement.FILE)


@pytest.mark.parametrize("quote", ["os.system(cmd)", "conn.run(q)\nos.system(cmd) # x", "§", "..."])
@pytest.mark.parametrize("source", [None, SOURCE])
def test_a_quote_that_the_file_does_not_contain_has_no_place_at_all(quote: str, source: str | None) -> None:
    quote = quote.replace("conn.run(q)", "conn.walk(q)")
    assert located(finding(path="src/pay.py", quote=quote, line=900), source) is None


def test_a_quote_in_several_places_of_the_diff_is_shown_at_the_nearest_one_of_them() -> None:
    on_file = located(finding(quote="if ready:", line=90), None, REPEATS)
    assert on_file is not None
    assert (on_file.start_line, on_file.placement) == (46, Placement.FILE)


@pytest.mark.parametrize("quote", ["", "  ", "[REDACTED:private-key]", "```\n```"])
def test_a_finding_without_a_quote_is_about_the_whole_file(quote: str) -> None:
    on_file = located(finding(path="src/pay.py", quote=quote, line=900), SOURCE)
    assert on_file is not None
    assert (on_file.start_line, on_file.end_line, on_file.placement) == (1, 1, Placement.FILE)


def test_a_finding_on_a_picture_is_about_the_whole_file() -> None:
    data = b"diff --git a/a.png b/a.png\nindex 1..2 100644\nBinary files a/a.png and b/a.png differ\n"
    index = DiffIndex(parse_diff(data))
    on_file = located(finding(path="a.png", quote="password: hunter2", line=7), None, index)
    assert on_file is not None
    assert (on_file.start_line, on_file.placement) == (1, Placement.FILE)


REPEATED = "".join(f"first_{n} = 1\nif ready:\n    go()\nlast_{n} = 2\n" for n in range(12))
REPEATS = index_of({"pay.py": ("", REPEATED)})


@pytest.mark.parametrize(("line", "expected"), [(2, 2), (6, 6), (46, 46)])
def test_among_equal_lines_the_one_at_the_given_line_is_chosen(line: int, expected: int) -> None:
    assert anchor(finding(quote="if ready:", line=line), REPEATS).start_line == expected


@pytest.mark.parametrize("line", [4, 8, 90])
def test_among_equal_lines_without_a_hint_none_is_chosen(line: int) -> None:
    assert anchor(finding(quote="if ready:", line=line), REPEATS).placement is Placement.FILE


def test_a_lone_bracket_needs_its_line_number() -> None:
    index = index_of({"pay.c": ("", "int f() {\n  return 1;\n}\n")})
    assert anchor(finding(path="pay.c", quote="}", line=3), index).placement is Placement.INLINE
    assert anchor(finding(path="pay.c", quote="}", line=30), index).placement is Placement.FILE


def test_among_distant_equal_lines_the_only_changed_one_is_chosen() -> None:
    old = "alpha = 1\nrun(job)\nbeta = 2\n"
    index = index_of({"pay.py": (old, old + "gamma = 3\nrun(job)\n")})
    assert anchor(finding(quote="run(job)", line=80), index).start_line == 5


def test_an_analyzers_line_number_is_used_unchanged() -> None:
    placed = anchor(finding(path="src/pay.py", line=10, quote="", found_by=(RUFF,)), INDEX)
    assert (placed.placement, placed.start_line) == (Placement.INLINE, 10)


def test_a_suggestion_for_a_misquoted_range_becomes_prose() -> None:
    placed = anchor(
        finding(path="src/pay.py", quote='log.info("closed")\nconn.shutdown()', suggestion="pass"), INDEX
    )
    assert placed.suggestion is None
    assert "```\npass\n```" in placed.explanation


@pytest.mark.parametrize(
    ("suggestion", "kept"), [("    return conn.run(q, (id,))", True), ("conn.run(q, (id,))", False)]
)
def test_a_suggestion_for_part_of_a_line_must_keep_the_rest(suggestion: str, kept: bool) -> None:
    placed = anchor(finding(path="src/pay.py", quote="conn.run(q)", suggestion=suggestion), INDEX)
    assert (placed.suggestion is not None) is kept


WORDS = ["total", "user", "order", "load(", "save(", "self.", "return ", " = ", " + ", "[0]", "if ", ":"]
code_lines = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map("".join)
SHIFTS = (0, 2, -2, 50, -50)
SHOWN = ("verbatim", "marked", "numbered", "bare")


def shown(text: str, line: int, how: str) -> str:
    """A line as a model copies it from the prompt."""
    quoted = {
        "verbatim": text,
        "marked": f"+{text}",
        "numbered": f"{line}+{text}",
        "bare": " ".join(text.split()),
    }
    return quoted[how]


@st.composite
def shifted_findings(draw: st.DrawFn) -> tuple[DiffIndex, Finding, QuoteMatch]:
    """An index, a finding as a model gives it with a quote that stands in the diff once, and where that is."""
    files: dict[str, tuple[str, str]] = {}
    for name in ("pay.py", "order.py"):
        lines = draw(st.lists(code_lines, min_size=5, max_size=60))
        lines = [
            f"{line} only_{name[:-3]}_{n}" if draw(st.integers(0, 2)) == 0 else line
            for n, line in enumerate(lines)
        ]
        old = [line for line in lines if draw(st.integers(0, 3))]
        files[name] = ("\n".join(old) + "\n", "\n".join([*lines, f"only_at_the_end_of_{name}"]) + "\n")
    index = index_of(files)
    runs = [run for path in index.paths for run in index.runs(path, Side.RIGHT)]
    unique = [
        (run, n)
        for run in runs
        for n in range(run.start_line, run.end_line + 1)
        if "only" in run.texts(n, n)[0]
    ]
    run, start = draw(st.sampled_from(unique))
    truth = run.match(start, min(start + draw(st.integers(0, 2)), run.end_line))
    how = draw(st.sampled_from(SHOWN))
    texts = run.texts(truth.start_line, truth.end_line)
    quote = "\n".join(shown(text, start + n, how) for n, text in enumerate(texts))
    hint = max(1, start + draw(st.sampled_from(SHIFTS)))
    named = draw(st.sampled_from([run.path, run.path, "pay.py", "missing.py"]))
    return index, finding(path=named, quote=quote, line=hint), truth


@settings(max_examples=150, deadline=None)
@given(shifted_findings())
def test_a_unique_quote_is_found_despite_wrong_line_numbers_and_files(
    case: tuple[DiffIndex, Finding, QuoteMatch],
) -> None:
    index, said, truth = case
    placed = anchor(said, index)
    assert placed.placement is Placement.INLINE
    assert (placed.path, placed.start_line, placed.end_line) == (truth.path, truth.start_line, truth.end_line)


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(code_lines, min_size=1, max_size=40),
    quote=code_lines.map(lambda line: line.lstrip(" +")),
    hint=st.integers(1, 60),
)
def test_no_finding_is_inline_on_lines_without_its_quote(lines: list[str], quote: str, hint: int) -> None:
    index = index_of({"pay.py": ("\n".join(lines[::2]) + "\n", "\n".join(lines) + "\n")})
    placed = anchor(finding(quote=quote, line=hint), index)
    if placed.placement is Placement.INLINE:
        run = index.run_at("pay.py", placed.side, placed.start_line)
        assert run is not None
        assert placed.end_line in run  # a range over two hunks is a 422
        assert words(quote) in words("\n".join(run.texts(placed.start_line, placed.end_line)))
