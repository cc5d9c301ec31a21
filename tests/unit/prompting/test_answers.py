"""Answers of models: requested fields are strict, others are tolerated."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, validate

from app.domain.finding import Judgement, RejectionCode, Severity, Stage
from app.domain.lookup import LookupKind
from app.errors import ModelInvalidOutput
from app.prompting.answers import answer_schema
from app.prompting.items import (
    MAX_LINE,
    DocumentItem,
    EdgeItem,
    FileItem,
    FindingItem,
    LookupItem,
    VerdictItem,
)
from app.prompting.parsing import MAX_FINDINGS, parse_docs, parse_findings, parse_lookups, parse_verdicts


def finding(**changes: object) -> dict[str, object]:
    item: dict[str, object] = {
        "path": "pay.py",
        "line": 8,
        "quote": 'db.execute("SELECT * FROM t WHERE id=" + id)',
        "evidence": "id comes from the request in line 3",
        "rule_id": "sql-injection",
        "severity": "critical",
        "title": "The payment query is built from the request's id",
        "explanation": "An id such as 1 OR 1=1 reads every payment.",
        "suggestion": None,
        "pre_existing": False,
    }
    return item | changes


def answer(**changes: object) -> dict[str, object]:
    empty: dict[str, object] = {
        "lookups": [],
        "findings": [],
        "verdicts": [],
        "summary": None,
        "files": [],
        "edges": [],
        "documents": [],
    }
    return empty | changes


def depth_of(schema: object) -> int:
    if isinstance(schema, dict):
        nested = max((depth_of(value) for value in schema.values()), default=0)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return nested + (1 if schema.get("type") in ("object", "array") else 0)  # pyright: ignore[reportUnknownMemberType]
    if isinstance(schema, list):
        return max((depth_of(value) for value in schema), default=0)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return 0


def objects_in(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for value in schema for found in objects_in(value)]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(schema, dict):
        return []
    own: list[dict[str, Any]] = [schema] if schema.get("type") == "object" else []  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return own + [found for value in schema.values() for found in objects_in(value)]  # pyright: ignore[reportUnknownVariableType]


def test_the_schema_stays_in_the_subset_that_every_vendor_supports() -> None:
    schema = answer_schema()
    Draft202012Validator.check_schema(schema)
    assert depth_of(schema) <= 5
    for part in objects_in(schema):
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
    bounds = {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format"}
    assert not bounds & set(str(schema).replace("'", " ").split())


def test_the_schema_has_the_fields_that_are_parsed() -> None:
    properties = answer_schema(has_checks=True)["properties"]
    assert set(properties["findings"]["items"]["properties"]) == set(FindingItem.model_fields)
    plain = answer_schema()["properties"]["findings"]["items"]["properties"]
    assert set(FindingItem.model_fields) - set(plain) == {"explains_check"}
    assert set(properties["verdicts"]["items"]["properties"]) == set(VerdictItem.model_fields)
    assert set(properties["lookups"]["items"]["properties"]) == set(LookupItem.model_fields)
    for name, kind in {"files": FileItem, "edges": EdgeItem, "documents": DocumentItem}.items():
        assert set(properties[name]["items"]["properties"]) == set(kind.model_fields)


def test_the_evidence_is_written_before_the_claim() -> None:
    names = list(answer_schema()["properties"]["findings"]["items"]["properties"])
    assert names.index("quote") < names.index("evidence") < names.index("severity") < names.index("title")
    verdict = list(answer_schema()["properties"]["verdicts"]["items"]["properties"])
    assert verdict.index("evidence") < verdict.index("restated") < verdict.index("verdict")
    assert next(iter(answer_schema()["properties"])) == "lookups"


def test_an_answer_within_the_schema_becomes_findings() -> None:
    value = answer(findings=[finding()])
    validate(value, answer_schema())
    [found] = parse_findings(value, stage=Stage.SECURITY, paths={"pay.py"}).findings
    assert (found.severity, found.rule_id, found.cwe) == (Severity.CRITICAL, "sql-injection", "CWE-89")
    assert (found.start_line, found.end_line, found.stage) == (8, 8, Stage.SECURITY)


def test_the_contracts_fields_are_sufficient_for_a_finding() -> None:
    item = finding()
    del item["evidence"], item["pre_existing"]
    [found] = parse_findings({"findings": [item]}, stage=Stage.REVIEW, paths=["pay.py"]).findings
    assert found.evidence == ""
    assert not found.pre_existing


CONTRACT = ("path", "line", "quote", "severity", "rule_id", "title", "explanation", "suggestion")


@pytest.mark.parametrize("name", CONTRACT)
def test_an_answer_whose_only_finding_lacks_a_field_of_the_contract_is_invalid(name: str) -> None:
    item = finding()
    del item[name]
    with pytest.raises(ModelInvalidOutput, match=rf"findings: {name}: Field required"):
        parse_findings(answer(findings=[item]), stage=Stage.REVIEW, paths=["pay.py"])


BAD_ITEMS: dict[str, object] = {
    **{f"no {name}": {key: value for key, value in finding().items() if key != name} for name in CONTRACT},
    **{f"{name} is null": finding(**{name: None}) for name in CONTRACT if name != "suggestion"},
    **{f"{name} is a list": finding(**{name: [1]}) for name in CONTRACT},
    **{f"{name} is an object": finding(**{name: {"value": "x"}}) for name in CONTRACT},
    "severity urgent": finding(severity="urgent"),
    "a line in words": finding(line="eight"),
    "a line of NaN": finding(line=math.nan),
    "an empty title": finding(title="  "),
    "a number as title": finding(title=7),
    "a number as rule": finding(rule_id=7),
    "nested in an object": {"finding": finding()},
    "nested in an array": [finding()],
    "a string": "sql injection in line 8",
    "null": None,
    "a number": 8,
}


@pytest.mark.parametrize("bad", BAD_ITEMS.values(), ids=BAD_ITEMS.keys())
def test_one_invalid_finding_is_rejected_alone_with_its_reason(bad: object) -> None:
    value = answer(findings=[finding(title="first"), bad, finding(line="4", title="last")])
    parsed = parse_findings(value, stage=Stage.REVIEW, paths=["pay.py"])
    assert [(each.title, each.start_line) for each in parsed.findings] == [("first", 8), ("last", 4)]
    [rejected] = parsed.rejected
    assert (rejected.code, bool(rejected.detail), bool(rejected.finding.title)) == (
        RejectionCode.INVALID,
        True,
        True,
    )


@pytest.mark.parametrize("bad", [[{"path": 1}], "none", {"files": []}, [None]], ids=repr)
def test_an_invalid_part_of_the_docs_is_dropped_with_a_note(bad: object) -> None:
    for name in ("files", "edges", "documents"):
        value = answer(summary="Adds refunds.", **{name: bad})
        docs = parse_docs(value, stage=Stage.DOCS, paths=["pay.py"])
        assert docs.walkthrough is not None
        assert docs.found.notes == (f"The model's `{name}` are not valid and were dropped.",)


@pytest.mark.parametrize(
    "value", [{}, {"verdicts": []}, [], None, "no findings", {"findings": None}, {"findings": "none"}]
)
def test_an_answer_without_the_requested_array_is_invalid(value: object) -> None:
    with pytest.raises(ModelInvalidOutput):
        parse_findings(value, stage=Stage.REVIEW, paths=["pay.py"])


def test_other_arrays_are_ignored() -> None:
    value = answer(findings=[finding()], verdicts="nonsense", documents=[{"x": 1}])
    assert len(parse_findings(value, stage=Stage.REVIEW, paths=["pay.py"]).findings) == 1


def test_a_rule_outside_the_vocabulary_becomes_other() -> None:
    value = answer(findings=[finding(rule_id="Cosmic_Ray"), finding(rule_id="SQL_Injection")])
    found = parse_findings(value, stage=Stage.REVIEW, paths=["pay.py"]).findings
    assert [each.rule_id for each in found] == ["other", "sql-injection"]
    assert [each.own_rule for each in found] == ["cosmic-ray", ""]


def test_a_finding_outside_the_change_keeps_its_path() -> None:
    value = answer(findings=[finding(path="../../etc/passwd"), finding()])
    parsed = parse_findings(value, stage=Stage.REVIEW, paths=["pay.py"])
    assert [each.path for each in parsed.findings] == ["../../etc/passwd", "pay.py"]


@pytest.mark.parametrize("name", ["pay.py", "./pay.py", "b/pay.py", "/pay.py"])
def test_a_path_is_understood_however_it_is_written(name: str) -> None:
    [found] = parse_findings(
        answer(findings=[finding(path=name)]), stage=Stage.REVIEW, paths=["pay.py"]
    ).findings
    assert found.path == "pay.py"


def test_a_name_that_is_not_utf8_is_found_by_its_shown_form() -> None:
    [found] = parse_findings(
        answer(findings=[finding(path="caf\\udce9.py")]), stage=Stage.REVIEW, paths=["caf\udce9.py"]
    ).findings
    assert found.path == "caf\udce9.py"


def test_a_suggestion_never_writes_a_redaction_mark_into_code() -> None:
    value = answer(findings=[finding(suggestion='KEY = "[REDACTED:aws-key]"')])
    [found] = parse_findings(value, stage=Stage.REVIEW, paths=["pay.py"]).findings
    assert found.suggestion is None


def test_too_many_findings_are_cut_with_a_note() -> None:
    value = answer(findings=[finding()] * (MAX_FINDINGS + 3))
    parsed = parse_findings(value, stage=Stage.REVIEW, paths=["pay.py"])
    assert len(parsed.findings) == MAX_FINDINGS
    assert parsed.notes == (f"3 findings beyond the first {MAX_FINDINGS} were dropped.",)


def test_an_unknown_severity_is_invalid_but_capitals_are_accepted() -> None:
    assert parse_findings(answer(findings=[finding(severity="High ")]), stage=Stage.REVIEW, paths=["pay.py"])
    with pytest.raises(ModelInvalidOutput, match="severity"):
        parse_findings(answer(findings=[finding(severity="blocker")]), stage=Stage.REVIEW, paths=["pay.py"])


def test_an_error_never_repeats_what_the_model_wrote() -> None:
    with pytest.raises(ModelInvalidOutput) as caught:
        parse_findings(answer(findings=[finding(line="s3cr3t")]), stage=Stage.REVIEW, paths=["pay.py"])
    assert "s3cr3t" not in str(caught.value)


def verdict(id_: str, said: str = "confirmed", worth: object = 7) -> dict[str, object]:
    return {"id": id_, "evidence": "pay.py:8 concatenates", "verdict": said, "worth": worth}


def test_verdicts_come_in_the_order_of_the_candidates() -> None:
    value = answer(verdicts=[verdict("c2", "refuted", 1), verdict("c1"), verdict("c9")])
    first, second = parse_verdicts(value, ids=["c1", "c2"])
    assert (first.id, first.judgement, first.worth) == ("c1", Judgement.CONFIRMED, 7)
    assert (second.id, second.judgement, second.worth) == ("c2", Judgement.REFUTED, 1)


def test_a_skipped_candidate_is_unsure() -> None:
    _, second = parse_verdicts(answer(verdicts=[verdict("c1")]), ids=["c1", "c2"])
    assert (second.id, second.judgement) == ("c2", Judgement.UNSURE)


@pytest.mark.parametrize(
    "bad",
    [
        verdict("c1", "maybe"), verdict("c1") | {"worth": None}, verdict("c1") | {"evidence": 3}, {"id": "c1"},
        verdict("c1", "refuted"), "c1", None, {"id": ["c1"]},
    ],
    ids=repr,
)  # fmt: skip
def test_an_unusable_verdict_leaves_only_its_claim_unsure(bad: object) -> None:
    given = [bad, verdict("c2")] if bad != verdict("c1", "refuted") else [bad, verdict("c1"), verdict("c2")]
    first, second = parse_verdicts(answer(verdicts=given), ids=["c1", "c2"])
    assert (first.judgement, second.judgement) == (Judgement.UNSURE, Judgement.CONFIRMED)


@pytest.mark.parametrize("field", ["same_as", "restated"])
@pytest.mark.parametrize(
    ("given", "read"), [(None, None), ("c2", "c2"), (" ", None), (7, None), (["c2"], None)], ids=repr
)
def test_what_only_adds_to_a_verdict_may_have_any_form(field: str, given: object, read: str | None) -> None:
    for item in (verdict("c1"), verdict("c1") | {field: given}):
        [judged] = parse_verdicts(answer(verdicts=[item]), ids=["c1"])
        assert getattr(judged, field) == (read if field in item else None)


@pytest.mark.parametrize(
    "verdicts",
    [
        [],
        [verdict("zz")],
        [verdict("c1", "maybe")],
        [verdict("c1"), verdict("c1", "refuted")],
    ],
)
def test_unusable_verdicts_are_invalid(verdicts: list[object]) -> None:
    with pytest.raises(ModelInvalidOutput):
        parse_verdicts(answer(verdicts=verdicts), ids=["c1"])


def test_the_docs_answer_has_a_walkthrough_documents_and_findings() -> None:
    value = answer(
        summary="Adds refunds.",
        files=[{"path": "pay.py", "change": "adds refund()"}, {"path": "ghost.py", "change": "?"}],
        edges=[{"source": "api", "target": "pay", "label": "refund"}],
        documents=[{"title": "refund()", "content": "Refunds a payment."}],
        findings=[finding(rule_id="missing-documentation", severity="low")],
    )
    docs = parse_docs(value, stage=Stage.DOCS, paths=["pay.py"])
    assert docs.walkthrough is not None
    assert docs.walkthrough.summary == "Adds refunds."
    assert [row.path for row in docs.walkthrough.files] == ["pay.py"]
    assert docs.found.notes == ("A row of the walkthrough was dropped: 'ghost.py' is not in the diff.",)
    assert docs.documents == (("refund()", "Refunds a payment."),)
    assert docs.found.findings[0].stage is Stage.DOCS


def test_a_docs_answer_without_a_summary_has_no_walkthrough() -> None:
    assert parse_docs(answer(summary=None), stage=Stage.DOCS, paths=[]).walkthrough is None


def test_a_docs_answer_without_findings_is_invalid() -> None:
    with pytest.raises(ModelInvalidOutput):
        parse_docs({"summary": "Adds refunds."}, stage=Stage.DOCS, paths=[])


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (8, 8), (8.0, 8), (8.9, 8), ("8", 8), (" 8\n", 8), ("8.0", 8), (0, 1), (-1, 1), (-1e308, 1),
        (2**63, MAX_LINE), (1e308, MAX_LINE), (10**400, MAX_LINE), (-(10**400), 1), (math.inf, MAX_LINE), ("inf", MAX_LINE),
    ],
    ids=repr,
)  # fmt: skip
def test_every_number_is_bounded(given: object, line: int) -> None:
    value = answer(findings=[finding(line=given)], verdicts=[verdict("c1", worth=given)])
    [found] = parse_findings(value, stage=Stage.REVIEW, paths=["pay.py"]).findings
    assert (found.start_line, found.end_line) == (line, line)
    [judged] = parse_verdicts(value, ids=["c1"])
    assert 0 <= judged.worth <= 10


@pytest.mark.parametrize(
    "given", [math.nan, "nan", "4-6", "", "9" * 5000, True, None, [8], {"line": 8}], ids=repr
)
def test_a_line_that_is_no_number_is_invalid(given: object) -> None:
    with pytest.raises(ModelInvalidOutput, match="line"):
        parse_findings(answer(findings=[finding(line=given)]), stage=Stage.REVIEW, paths=["pay.py"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["findings", "verdicts", "id", "path", "line"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_parsed_or_raises_one_error(value: object) -> None:
    for parse in (
        lambda: parse_findings(value, stage=Stage.REVIEW, paths=["a"]),
        lambda: parse_verdicts(value, ids=["c1"]),
        lambda: parse_docs(value, stage=Stage.DOCS, paths=["a"]),
    ):
        try:
            parse()
        except ModelInvalidOutput:
            continue


def lookup(**changes: object) -> dict[str, object]:
    parts: dict[str, object] = {"kind": "file", "name": None, "path": "a.py", "start_line": 3, "end_line": 9}
    return parts | changes


def test_look_ups_are_parsed_with_bounded_numbers_and_without_repetitions() -> None:
    value = answer(lookups=[lookup(), lookup(), lookup(kind="Search", name=" x ", path="", start_line=None)])
    validate(answer(lookups=[lookup()]), answer_schema())
    first, second = parse_lookups(value)
    assert (first.kind, first.path, first.start_line, first.end_line) == (LookupKind.FILE, "a.py", 3, 9)
    assert (second.kind, second.name, second.path, second.start_line) == (LookupKind.SEARCH, "x", None, None)


def test_at_most_five_look_ups_are_parsed() -> None:
    many = [lookup(path=f"{number}.py") for number in range(1_000)]
    assert [each.path for each in parse_lookups(answer(lookups=many))] == [f"{n}.py" for n in range(5)]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"kind": st.sampled_from(["file", "search", "regex", "", "DEFINITION"])},
            optional={
                "name": st.none() | st.text() | st.integers(),
                "path": st.none() | st.text() | st.lists(st.text()),
                "start_line": st.none() | st.integers() | st.floats() | st.text(),
                "end_line": st.none() | st.booleans() | st.integers() | st.floats(),
            },
        )
        | st.none()
        | st.text(),
        max_size=8,
    )
    | st.none()
    | st.text()
)
def test_hostile_look_ups_are_ignored_or_bounded(lookups: object) -> None:
    parsed = parse_lookups({"lookups": lookups})
    assert len(parsed) <= 5
    assert all(1 <= line <= MAX_LINE for each in parsed for line in (each.start_line, each.end_line) if line)
    assert all(len(text) <= 301 for each in parsed for text in (each.name or "", each.path or ""))
