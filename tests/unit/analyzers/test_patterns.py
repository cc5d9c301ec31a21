"""Every own rule finds its bad example, once, and leaves its good ones alone."""

import pytest

from app.analyzers.hits import load_rule_file
from app.analyzers.linters import LINTERS
from app.analyzers.patterns import RULE_FILES, PatternRule, find_pattern_hits, load_rules
from app.domain.finding import Severity
from app.domain.rules import RULES

FILE_NAMES = {
    "python": "a.py",
    "javascript": "a.js",
    "typescript": "a.ts",
    "tsx": "a.tsx",
    "go": "a.go",
    "java": "A.java",
    "ruby": "a.rb",
    "php": "a.php",
    "csharp": "A.cs",
    "rust": "a.rs",
}
ALL = [
    pytest.param(language, rule, id=f"{language}-{rule.id}")
    for language in RULE_FILES
    for rule in load_rules(language)
]


@pytest.mark.parametrize(("language", "rule"), ALL)
def test_a_rule_finds_each_bad_example_once(language: str, rule: PatternRule) -> None:
    for source in rule.bad:
        hits = [hit for hit in find_pattern_hits(FILE_NAMES[language], source) if hit.title == rule.title]
        assert [hit.rule_id for hit in hits] == [rule.rule_id], source


@pytest.mark.parametrize(("language", "rule"), ALL)
def test_no_rule_finds_anything_in_a_good_example(language: str, rule: PatternRule) -> None:
    for source in rule.good:
        assert find_pattern_hits(FILE_NAMES[language], source) == [], source


def test_each_rule_id_is_in_the_vocabulary() -> None:
    ids = {rule.rule_id for language in RULE_FILES for rule in load_rules(language)}
    ids |= {rule["rule"] for linter in LINTERS for rule in load_rule_file(linter.name).values()}
    assert ids <= RULES.keys()


def test_texts_are_sentences_and_severities_exist() -> None:
    for rule in (rule for linter in LINTERS for rule in load_rule_file(linter.name).values()):
        assert Severity(rule["severity"])
        assert rule["explanation"].endswith((".", "?", "!", "{message}")), rule
        assert not rule["title"].endswith("."), rule


def sql(value: str, *, parameter: str = "") -> str:
    return f'def find({parameter}):\n    return db.execute("SELECT * FROM t WHERE a = " + {value})\n'


@pytest.mark.parametrize(
    ("source", "severity"),
    [
        (sql("name", parameter="name"), Severity.HIGH),
        (sql("request.args['name']"), Severity.HIGH),
        (sql("local"), Severity.MEDIUM),
        (sql("self.name", parameter="self"), Severity.MEDIUM),
    ],
    ids=["parameter", "request", "unknown", "attribute"],
)
def test_the_origin_of_a_value_determines_the_severity(source: str, severity: Severity) -> None:
    assert [hit.severity for hit in find_pattern_hits("a.py", source)] == [severity]


def test_a_value_is_followed_through_plain_assignments() -> None:
    source = (
        'def find(raw):\n    name = raw.strip()\n    key = name\n    q = f"SELECT * FROM t WHERE a = {key}"\n'
    )
    assert [hit.severity for hit in find_pattern_hits("a.py", source)] == [Severity.HIGH]


def test_a_constant_in_a_statement_is_harmless() -> None:
    assert find_pattern_hits("a.py", sql("TABLE")) == []


def test_some_rules_do_not_run_on_tests() -> None:
    assert find_pattern_hits("tests/test_a.py", sql("name", parameter="name")) == []


def test_an_unknown_language_has_no_hits() -> None:
    assert find_pattern_hits("a.zig", "const x = 1;") == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tests/evil.py", 'import os\nos.system("ls " + input())\n'),
        ("conftest.py", sql("request.args['name']")),
        ("test_a.py", 'import os, sys\nname = sys.argv[1]\nos.system("ls " + name)\n'),
        ("evil.test.js", "eval(location.hash)\n"),
        ("spec/evil.js", "function run() {\n  eval(location.hash)\n}\n"),
    ],
)
def test_the_name_of_a_test_does_not_hide_code_that_runs_a_request(path: str, source: str) -> None:
    assert [hit.severity for hit in find_pattern_hits(path, source)] == [Severity.HIGH]
