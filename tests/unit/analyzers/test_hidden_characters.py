"""Characters at which an editor shows other code than runs are a finding; text that needs them is not."""

import pytest

from app.analyzers.hidden_characters import find_hidden_hits
from app.domain.finding import Severity


def found(path: str, text: str) -> list[tuple[int, Severity]]:
    return [(hit.start_line, hit.severity) for hit in find_hidden_hits(path, text)]


@pytest.mark.parametrize(
    ("path", "text", "severity"),
    [
        ("a.py", "# note\ros.system(x)", Severity.HIGH),
        ("a.php", "// note\rsystem($x);", Severity.HIGH),
        ("a.js", "// note\u2028eval(x)", Severity.HIGH),
        ("a.ts", "// note\u2029eval(x)", Severity.HIGH),
        ("A.cs", "// note\x85Run(x);", Severity.HIGH),
        ("a.go", "// note\rrun(x)", Severity.MEDIUM),
        ("Makefile", "# note\rrm -rf x", Severity.MEDIUM),
        ("a.md", "text\rtext", Severity.LOW),
        ("a.py", "# note\0", Severity.MEDIUM),
        ("a.py", "if level != 'user\u202e \u2066# check\u2069 \u2066':", Severity.HIGH),
        ("a.py", "'''text \u2067''' ;return", Severity.HIGH),
        ("a.py", "x = 'שלום \u2067'; run() # \u2069'", Severity.HIGH),
        ("a.js", "const { timeout,\u3164} = req.query", Severity.HIGH),
        ("a.js", "is\u200bAdmin = 1", Severity.MEDIUM),
        ("a.py", "x = 1 # a\ufeffb", Severity.MEDIUM),
        ("a.py", "admin\u200d = 1", Severity.LOW),
        ("a.py", "admin\u200e = 1", Severity.LOW),
        ("a.js", "x = 'a\ufe00\ufe01\ufe02'", Severity.HIGH),
        ("a.md", "Ignore\U000e0041\U000e0042", Severity.HIGH),
    ],
)
def test_a_character_that_hides_code_is_found(path: str, text: str, severity: Severity) -> None:
    assert found(path, f"ok\n{text}\nok\n") == [(2, severity)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "import os\r\n# note\r\nx = 1\r\n"),
        ("a.py", "import os\r\r\nx = 1\r\r\n"),
        ("a.py", "\ufeffimport os\n"),
        ("a.c", "int a;\n\f\nint b;\n"),
        ("a.py", "\f\ndef f(): pass\n"),
        ("a.py", "greeting = 'שלום עולם'\n"),
        ("a.py", "greeting = 'مرحبا \u2067عالم\u2069 hello'\n"),
        ("a.py", "x = 'שלום!\u200f'\n"),
        ("ar.json", '{"a": "\u202bمرحبا (GitHub)\u202c"}\n'),
        ("README.fa.md", "می\u200cخواهم\n"),
        ("a.py", "x = '👩\u200d👩\u200d👧\u200d👦'\n"),
        ("a.py", "x = '🏳️\u200d🌈 ❤️ 1️⃣'\n"),
        ("a.md", "✔\ufe0e done, ©\ufe0e\n"),
        ("a.py", "name = '葛\U000e0100城'\n"),
        ("a.md", "Straßen\u00adbahn\n"),
        ("th.json", '{"a": "สวัสดี\u200bครับ"}\n'),
        ("a.py", "x = 'क्\u200dष'\n"),
        ("a.sh", "printf '\x1b[1m'\n"),
    ],
)
def test_text_that_hides_nothing_is_not_a_finding(path: str, text: str) -> None:
    assert found(path, text) == []
