"""The four formats of `quorum review`, each complete and each safe to read."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from jsonschema import Draft7Validator

from app.domain.finding import Stage
from app.domain.model_call import Provider
from app.domain.review import ReviewReport, StageResult, StageStatus
from app.domain.rules import RULES
from app.publish.reports import render_json, render_markdown, render_text, report_value
from app.publish.sarif import render_sarif, sarif_value
from tests.unit.publish.examples import CLEAN, FAILED, INJECTION, KEYLESS, LEFT_SIDE, REPORT
from tests.unit.publish.github_reader import read
from tests.unit.publish.test_markdown import HOSTILE, NAMES

SARIF_SCHEMA = json.loads(
    (Path(__file__).parents[2] / "data" / "sarif" / "sarif-schema-2.1.0.json").read_text()
)
SARIF: Any = Draft7Validator(SARIF_SCHEMA)


def sarif_errors(log: dict[str, Any]) -> list[str]:
    return [error.message for error in SARIF.iter_errors(log)]


def test_the_json_report_has_the_documented_format() -> None:
    value = report_value(replace(REPORT, findings=REPORT.findings[:1]), redact=str)
    assert value == snapshot(
        {
            "version": 1,
            "result": "1 critical finding. Review, security, and docs read 2 of 3 changed files; 1 file was left out (binary image).",
            "findings": [
                {
                    "id": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
                    "stage": "security",
                    "severity": "critical",
                    "rule_id": "sql-injection",
                    "cwe": "CWE-89",
                    "path": "pay.py",
                    "start_line": 8,
                    "end_line": 9,
                    "side": "RIGHT",
                    "title": "`id` goes into the SQL text",
                    "explanation": "The query is concatenated from `id`, so `1 OR 1=1` returns every payment.",
                    "suggestion": """\
    q = "SELECT * FROM payments WHERE id = ?"
    return db.execute(q, (id,))\
""",
                    "found_by": ["gpt:gpt-6.2-sol"],
                    "confirmed_by": ["claude:claude-sonnet-5-5"],
                    "placement": "inline",
                    "explains_check": None,
                    "duplicates": [],
                }
            ],
            "rejected": [
                {"title": "`limit` may be negative", "reason": "Refuted by Claude: the caller checks it."}
            ],
            "stages": [
                {
                    "stage": "review",
                    "status": "completed",
                    "provider": "claude",
                    "model": "claude-sonnet-5-5",
                    "error": None,
                    "left_out": [],
                },
                {
                    "stage": "security",
                    "status": "completed",
                    "provider": "gpt",
                    "model": "gpt-6.2-sol",
                    "error": None,
                    "left_out": [],
                },
                {
                    "stage": "docs",
                    "status": "completed",
                    "provider": "gemini",
                    "model": "gemini-3.8-flash",
                    "error": None,
                    "left_out": [],
                },
            ],
            "coverage": {
                "files": 3,
                "reviewed": 2,
                "omitted": [{"path": "a.png", "reason": "binary image"}],
                "partly": [],
            },
            "documents": [
                {
                    "format": "markdown",
                    "title": "Payments",
                    "content": """\
# find_payment

Returns one payment.\
""",
                }
            ],
            "usage": {
                "calls": 5,
                "input_tokens": 12345,
                "cached_input_tokens": 2000,
                "output_tokens": 1234,
                "cost_usd": 0.0312,
            },
            "lookups": [],
            "duration_ms": 12345,
        }
    )
    assert json.loads(render_json(replace(REPORT, findings=REPORT.findings[:1]), redact=str)) == value


def test_json_with_a_name_that_is_not_utf8_can_be_parsed() -> None:
    odd = replace(REPORT, findings=(replace(INJECTION, path="caf\udce9.py"),))
    text = render_json(odd, redact=str)
    text.encode()
    assert json.loads(text)["findings"][0]["path"] == "caf\udce9.py"


def test_the_text_report_has_every_part() -> None:
    assert render_text(REPORT, redact=str) == snapshot("""\
CRITICAL pay.py:8-9
    `id` goes into the SQL text
    The query is concatenated from `id`, so `1 OR 1=1` returns every payment.
    Suggested fix:
      |     q = "SELECT * FROM payments WHERE id = ?"
      |     return db.execute(q, (id,))
    security · CWE-89 · sql-injection · found by gpt:gpt-6.2-sol · confirmed by
    claude:claude-sonnet-5-5

MEDIUM   pages.go:3
    The last page is never reached
    `page < pages` stops one page early when the total is a multiple of the page size.
    review · CWE-193 · off-by-one · found by claude:claude-sonnet-5-5 and gemini:gemini-3.8-flash,
    independently

LOW      pay.py:30
    No test for a refused card
    The branch that raises `CardRefused` is not covered.
    review · missing-test · found by ruff · existing code

3 findings (1 critical, 1 medium, 1 low).
Review, security, and docs read 2 of 3 changed files; 1 file was left out (binary image).
    not read: a.png (binary image)
Rejected 1 claim:
    pages.go:3 `limit` may be negative: Refuted by Claude: the caller checks it.

Documentation: Payments
# find_payment

Returns one payment.

Note: Shown besides the diff: 4 definitions, 2 callers.
5 model calls · 12,345 input tokens (2,000 cached), 1,234 output tokens · 0.0312 USD · 12 s
""")


def test_the_text_report_of_a_clean_review_is_short() -> None:
    assert render_text(CLEAN, redact=str) == snapshot("""\
Found no problems.
Review, security, and docs read both changed files.
5 model calls · 12,345 input tokens (2,000 cached), 1,234 output tokens · 0.0312 USD · 12 s
""")
    assert render_text(FAILED, redact=str).startswith("Not fully reviewed: security failed")


def of_analyzers(*stages: Stage) -> ReviewReport:
    """A review without a model that found nothing, of these stages."""
    results = [
        run_by_analyzers(stage) if stage in stages else StageResult(stage=stage, status=StageStatus.SKIPPED)
        for stage in Stage
    ]
    return replace(KEYLESS, findings=(), stages=tuple(results))


def run_by_analyzers(stage: Stage) -> StageResult:
    return StageResult(stage=stage, status=StageStatus.COMPLETED, provider=Provider.ANALYZERS)


def test_a_review_without_a_model_says_so_once() -> None:
    assert render_text(of_analyzers(*Stage), redact=str) == snapshot("""\
Not reviewed by a model: none is configured or allowed.
Only the built-in analyzers read the change; they found nothing.
no model calls · 12 s
""")
    markdown = render_markdown(of_analyzers(*Stage), redact=str)
    assert markdown.count("Not reviewed by a model") == 1
    assert markdown.split("\n")[0] == snapshot("### Quorum: not reviewed by a model")


def test_a_run_of_the_docs_stage_does_not_claim_that_there_are_no_problems() -> None:
    assert "Not checked for problems" in render_text(of_analyzers(Stage.DOCS), redact=str)
    assert render_markdown(of_analyzers(Stage.DOCS), redact=str).startswith(
        "### Quorum: not checked for problems\n"
    )


def test_colors_are_used_only_on_request() -> None:
    assert "\x1b[" not in render_text(REPORT, redact=str)
    assert "\x1b[1;31mCRITICAL" in render_text(REPORT, redact=str, color=True)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(HOSTILE) | st.text(max_size=60))
def test_no_report_moves_the_cursor_of_a_terminal(text: str) -> None:
    hostile = replace(INJECTION, title=text, explanation=text, suggestion=text, path=text, found_by=(text,))
    shown = render_text(replace(REPORT, findings=(hostile,)), redact=str)
    assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in shown)
    assert "\u202e" not in shown


def test_the_markdown_report_has_every_finding_in_full() -> None:
    text = render_markdown(REPORT, redact=str)
    for finding in REPORT.findings:
        assert finding.explanation in text
    assert "quorum:" not in text


@pytest.mark.parametrize("text", HOSTILE, ids=NAMES)
def test_a_markdown_report_with_hostile_text_has_no_active_content(text: str) -> None:
    hostile = replace(INJECTION, title=text, explanation=text, suggestion=text, path=text)
    seen = read(render_markdown(replace(REPORT, findings=(hostile,)), redact=str), own_html=True)
    assert [thing for thing in seen if thing.content != "mermaid"] == []


@pytest.mark.parametrize("report", [REPORT, CLEAN, FAILED, KEYLESS])
def test_sarif_conforms_to_the_published_schema(report: Any) -> None:
    assert sarif_errors(json.loads(render_sarif(report, redact=str, version="0.1.0"))) == []


def test_the_sarif_validator_detects_an_error() -> None:
    log = sarif_value(REPORT, redact=str, version="0.1.0")
    log["runs"][0]["results"][0]["level"] = "high"
    assert sarif_errors(log)


def test_a_models_own_word_for_an_unknown_rule_is_in_both_reports() -> None:
    findings = (replace(INJECTION, rule_id="other", own_rule="busy-loop"), replace(INJECTION, own_rule="x"))
    report = replace(REPORT, findings=findings)
    rows = report_value(report, redact=str)["findings"]
    results = sarif_value(report, redact=str, version="0.1.0")["runs"][0]["results"]
    assert [row.get("own_rule") for row in rows] == ["busy-loop", None]
    assert [result["properties"].get("ownRule") for result in results] == ["busy-loop", None]


def test_a_sarif_result_has_rule_location_fix_and_fingerprint() -> None:
    run = sarif_value(replace(REPORT, findings=(INJECTION,)), redact=str, version="0.1.0")["runs"][0]
    assert run["tool"]["driver"]["rules"] == snapshot(
        [
            {
                "id": "sql-injection",
                "name": "SqlInjection",
                "shortDescription": {"text": "SQL built from input"},
                "fullDescription": {"text": "SQL built from input (CWE-89). Family: injection."},
                "help": {
                    "text": """\
SQL built from input.

Read the result's message, which says why this code is affected, and the suggested fix if there is one. Who found it and who confirmed it is in the result's properties. Dismiss it with a reason if it is wrong.

More about CWE-89: https://cwe.mitre.org/data/definitions/89.html\
""",
                    "markdown": """\
**SQL built from input**

Read the result's message, which says why this code is affected, and the suggested fix if there is one. Who found it and who confirmed it is in the result's properties. Dismiss it with a reason if it is wrong.

[CWE-89](https://cwe.mitre.org/data/definitions/89.html)\
""",
                },
                "defaultConfiguration": {"level": "error"},
                "properties": {
                    "tags": ["injection", "security", "external/cwe/cwe-089"],
                    "security-severity": "9.5",
                },
                "helpUri": "https://cwe.mitre.org/data/definitions/89.html",
            }
        ]
    )
    assert run["results"] == snapshot(
        [
            {
                "ruleId": "sql-injection",
                "ruleIndex": 0,
                "level": "error",
                "message": {
                    "text": """\
`id` goes into the SQL text

The query is concatenated from `id`, so `1 OR 1=1` returns every payment.\
""",
                    "markdown": """\
**`id` goes into the SQL text**

The query is concatenated from `id`, so `1 OR 1=1` returns every payment.\
""",
                },
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": "pay.py", "uriBaseId": "%SRCROOT%"},
                            "region": {"startLine": 8, "endLine": 9},
                        }
                    }
                ],
                "properties": {
                    "stage": "security",
                    "severity": "critical",
                    "cwe": "CWE-89",
                    "foundBy": ["gpt:gpt-6.2-sol"],
                    "confirmedBy": ["claude:claude-sonnet-5-5"],
                    "side": "RIGHT",
                },
                "partialFingerprints": {"quorum/v1": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"},
                "fixes": [
                    {
                        "description": {"text": "Suggested fix"},
                        "artifactChanges": [
                            {
                                "artifactLocation": {"uri": "pay.py"},
                                "replacements": [
                                    {
                                        "deletedRegion": {
                                            "startLine": 8,
                                            "startColumn": 1,
                                            "endLine": 10,
                                            "endColumn": 1,
                                        },
                                        "insertedContent": {
                                            "text": """\
    q = "SELECT * FROM payments WHERE id = ?"
    return db.execute(q, (id,))
"""
                                        },
                                    }
                                ],
                            }
                        ],
                    }
                ],
            }
        ]
    )


def test_every_sarif_rule_explains_itself_within_githubs_limits() -> None:
    """https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning"""
    findings = tuple(
        replace(INJECTION, rule_id=rule_id, fingerprint=f"{n:032x}") for n, rule_id in enumerate(RULES)
    )
    log = sarif_value(replace(REPORT, findings=findings), redact=str, version="0.1.0")
    assert sarif_errors(log) == []
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:
        assert all(rule["help"][key] for key in ("text", "markdown"))
        assert 0 < len(rule["fullDescription"]["text"]) <= 1_024
        assert len(rule["shortDescription"]["text"]) <= 1_024
        assert len(rule["name"]) <= 255
        assert 0 < len(rule["properties"]["tags"]) <= 20
        score = rule["properties"].get("security-severity")
        assert (score is not None) == ("security" in rule["properties"]["tags"])
        assert score is None or 0 < float(score) <= 10


def test_sarif_has_no_region_for_a_finding_on_the_base() -> None:
    (result,) = sarif_value(replace(REPORT, findings=(LEFT_SIDE,)), redact=str, version="0.1.0")["runs"][0][
        "results"
    ]
    assert "region" not in result["locations"][0]["physicalLocation"]
    assert "fixes" not in result


def test_sarif_says_what_was_not_reviewed() -> None:
    (invocation,) = sarif_value(FAILED, redact=str, version="0.1.0")["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    first = invocation["toolExecutionNotifications"][0]["message"]["text"]
    assert first.startswith("Not fully reviewed: security failed (GPT: rate limited; Claude: timeout).")


def test_sarif_says_what_a_stage_skipped() -> None:
    stages = (replace(CLEAN.stages[0], notes=("10 findings beyond the first 50 were dropped.",)),)
    log = sarif_value(replace(CLEAN, stages=stages), redact=str, version="0.1.0")
    (invocation,) = log["runs"][0]["invocations"]
    told = [each["message"]["text"] for each in invocation["toolExecutionNotifications"]]
    assert "10 findings beyond the first 50 were dropped." in told


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_sarif_with_hostile_text_is_valid(text: str) -> None:
    hostile = replace(INJECTION, title=text, explanation=text, suggestion=text, path="a/\udce9:b c#?.py")
    log = json.loads(render_sarif(replace(REPORT, findings=(hostile,)), redact=str, version="0.1.0"))
    assert sarif_errors(log) == []
    assert (
        log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        == "a/%E9%3Ab%20c%23%3F.py"
    )
