"""The JSON schema of every answer. One schema serves every prompt, because it is part of the prefix that vendors cache."""

from typing import Any

from app.domain.finding import AcceptanceStatus, Judgement, Severity
from app.domain.lookup import LookupKind
from app.domain.rules import ALL_RULES, RULES


def closed(**properties: object) -> dict[str, Any]:
    """Return the schema of an object with these properties, all required, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(**properties: object) -> dict[str, Any]:
    return {"type": "array", "items": closed(**properties)}


_TEXT: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer"}
_NULLABLE_TEXT: dict[str, Any] = {"anyOf": [_TEXT, {"type": "null"}]}
_NULLABLE_WHOLE: dict[str, Any] = {"anyOf": [_WHOLE, {"type": "null"}]}


def answer_schema(*, has_issues: bool = False, has_checks: bool = False) -> dict[str, Any]:
    """Return the schema of every answer, in the subset that all vendors support: all required, nullable, closed, no bounds.

    Evidence comes before the claim it supports, and look-ups before an answer, because models write in the order of the
    schema. With `has_issues`, it also has `acceptance` and the rule about issues; with `has_checks`,
    a finding also has `explains_check`.
    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    acceptance = _acceptance() if has_issues else {}
    explains = {"explains_check": _NULLABLE_TEXT} if has_checks else {}
    return closed(
        lookups=_array(
            kind={"type": "string", "enum": [kind.value for kind in LookupKind]},
            name=_NULLABLE_TEXT,
            path=_NULLABLE_TEXT,
            start_line=_NULLABLE_WHOLE,
            end_line=_NULLABLE_WHOLE,
        ),
        findings=_array(
            path=_TEXT,
            line=_WHOLE,
            quote=_TEXT,
            evidence=_TEXT,
            rule_id={"type": "string", "enum": sorted(ALL_RULES if has_issues else RULES)},
            severity={"type": "string", "enum": [severity.value for severity in Severity]},
            title=_TEXT,
            explanation=_TEXT,
            suggestion=_NULLABLE_TEXT,
            pre_existing={"type": "boolean"},
            **explains,
        ),
        verdicts=_array(
            id=_TEXT,
            evidence=_TEXT,
            restated=_NULLABLE_TEXT,
            verdict={"type": "string", "enum": [judgement.value for judgement in Judgement]},
            worth=_WHOLE,
            same_as=_NULLABLE_TEXT,
        ),
        summary=_NULLABLE_TEXT,
        files=_array(path=_TEXT, change=_TEXT),
        edges=_array(source=_TEXT, target=_TEXT, label=_TEXT),
        documents=_array(title=_TEXT, content=_TEXT),
        **acceptance,
    )


def _acceptance() -> dict[str, Any]:
    status = {"type": "string", "enum": [status.value for status in AcceptanceStatus]}
    return {
        "acceptance": _array(
            issue=_WHOLE, point=_TEXT, path=_NULLABLE_TEXT, line=_NULLABLE_WHOLE, status=status
        )
    }
