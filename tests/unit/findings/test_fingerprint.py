"""The same defect has the same name in every run, and two defects never share one."""

import ast
from typing import Any

import pytest

from app.findings.anchor import anchor
from app.findings.fingerprint import Fingerprinter
from tests.unit.findings.making import finding, index_of, sources_of

CODE = """\
import db


def pay(id, user):
    conn = db.connect()
    row = conn.execute(
        "SELECT * FROM t "
        "WHERE id = " + id,
        timeout=3,
    )
    log(row)
    audit(user)
    log(row)
    return row


def close(id):
    conn = db.connect()
    log(row)
"""


def enclosing_symbol(path: str, source: str, line: int) -> str | None:
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return next((node.name for node in functions if node.lineno <= line <= (node.end_lineno or 0)), None)


def name_of(
    code: str = CODE, *, old: str = "", path: str = "pay.py", whole: bool = True, **fields: object
) -> str:
    files = {path: (old, code)}
    index = index_of(files)
    source_of = sources_of(files if whole else {})
    fingerprinter = Fingerprinter(index, source_of=source_of, enclosing_symbol=enclosing_symbol)
    said = finding(
        **{"path": path, "rule_id": "sql-injection", "quote": '"WHERE id = " + id,', "line": 8, **fields}
    )
    return fingerprinter.add_fingerprints([anchor(said, index)])[0].fingerprint


SAME = {
    "another title": {"title": "User input reaches the query"},
    "another explanation": {"explanation": "Whatever."},
    "another severity": {"severity": "critical"},
    "another rule of the family": {"rule_id": "command-injection"},
    "another line of the statement": {"quote": "timeout=3,"},
    "the whole statement": {"quote": "\n".join(CODE.split("\n")[5:10])},
    "a part of a line": {"quote": '"WHERE id = "'},
    "a wrong number": {"line": 60},
    "marks in the quote": {"quote": '+        "WHERE id = " + id,'},
    "moved lines": {"code": CODE.replace("import db\n", "import db\nimport os\nimport re\n")},
    "another indentation": {"code": CODE.replace('        "WHERE', '    "WHERE')},
    "another hunk": {"old": CODE.replace("timeout=3", "timeout=2")},
}
OTHER = {
    "another file": {"path": "other.py"},
    "another family": {"rule_id": "missing-timeout"},
    "another statement": {"quote": "audit(user)"},
    "another function": {"code": CODE.replace("def pay", "def buy")},
    "other code": {"code": CODE.replace("FROM t", "FROM users")},
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME.keys())
def test_the_fingerprint_does_not_change_with(change: dict[str, Any]) -> None:
    assert name_of(**change) == name_of()


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER.keys())
def test_the_fingerprint_changes_with(change: dict[str, Any]) -> None:
    assert name_of(**change) != name_of()


def test_equal_lines_in_one_function_have_different_fingerprints() -> None:
    names = {name_of(quote="log(row)", line=line) for line in (11, 13, 19)}
    assert len(names) == 3


def test_a_line_added_elsewhere_does_not_change_the_fingerprint() -> None:
    longer = CODE.replace("import db", "import db\nlog(row)")
    assert name_of(longer, quote="log(row)", line=14) == name_of(quote="log(row)", line=13)


def test_without_the_file_the_fingerprint_comes_from_the_hunk() -> None:
    assert name_of(whole=False) == name_of(whole=False, quote="timeout=3,", title="Other words")


def test_findings_on_a_whole_file_are_distinguished_by_their_order() -> None:
    index = index_of({"pay.py": ("", CODE)})
    fingerprinter = Fingerprinter(index, source_of=lambda path, side: None, enclosing_symbol=enclosing_symbol)
    said = [anchor(finding(quote="nowhere", title=title), index) for title in ("one", "two")]
    first, second = fingerprinter.add_fingerprints(said)
    assert first.fingerprint != second.fingerprint
    assert fingerprinter.add_fingerprints(said[:1])[0].fingerprint == first.fingerprint


def test_a_bracket_in_a_comment_does_not_swallow_the_file() -> None:
    code = CODE.replace("conn = db.connect()", "conn = db.connect()  # :(", 1) + "x = 1\n" * 30
    assert name_of(code, quote="audit(user)") != name_of(code, quote="return row")
