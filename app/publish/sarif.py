"""The report as SARIF 2.1.0, in the subset that GitHub code scanning reads. Never invents a location.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from app.domain.diff import Side
from app.domain.finding import DuplicatePlace, Finding, Severity
from app.domain.review import LEFT_OUT, ReviewReport, StageStatus
from app.domain.rules import ALL_RULES, Rule, rule_for
from app.publish.markdown import clean_markdown
from app.publish.statement import make_statement
from app.publish.text import Redact, strip_invisible
from app.publish.wording import clean_cwe, rule_name

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MAX_RESULTS = 5_000  # per run; GitHub ignores more, and rejects 25,000
CATEGORY = "quorum/"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# GitHub derives the severity from this score: over 9.0 critical, from 7.0 high, from 4.0 medium, above 0 low.
_SECURITY_SEVERITY = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.1",
}


def render_sarif(report: ReviewReport, *, redact: Redact, version: str) -> str:
    """The report as SARIF text; `version` is Quorum's own."""
    return json.dumps(sarif_value(report, redact=redact, version=version), indent=2) + "\n"


def render_analysis(
    report: ReviewReport, still_open: Sequence[Finding], *, redact: Redact, version: str
) -> str:
    """The report and the `still_open` findings for code scanning: the most severe ones, up to its limit.

    https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit
    """
    findings = sorted((*report.findings, *still_open), key=lambda finding: finding.severity.rank)
    value = sarif_value(
        replace(report, findings=tuple(findings[:MAX_RESULTS])), redact=redact, version=version
    )
    value["runs"][0]["automationDetails"] = {"id": CATEGORY}  # so that other tools' analyses are kept
    return json.dumps(value, separators=(",", ":"))


def sarif_value(report: ReviewReport, *, redact: Redact, version: str) -> dict[str, Any]:
    """The report as a SARIF log of one run."""
    rule_ids = list(dict.fromkeys(rule_for(finding.rule_id).id for finding in report.findings))
    worst = {
        rule_id: min(
            (f.severity for f in report.findings if rule_for(f.rule_id).id == rule_id), key=lambda s: s.rank
        )
        for rule_id in rule_ids
    }
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "Quorum",
                "semanticVersion": version,
                "rules": [_rule(rule_id, worst[rule_id]) for rule_id in rule_ids],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, redact=redact)],
        "results": [_result(finding, rule_ids, redact=redact) for finding in report.findings],
    }
    return {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}


def _rule(rule_id: str, worst: Severity) -> dict[str, Any]:
    """The rule as GitHub shows it; a rule without a CWE is no security rule and has no score."""
    rule = ALL_RULES[rule_id]
    tags = [rule.family]
    descriptor: dict[str, Any] = {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": _describe(rule)},
        "help": _help(rule),
        "defaultConfiguration": {"level": _LEVELS[worst]},
        "properties": {"tags": tags},
    }
    if rule.cwe:
        number = rule.cwe.removeprefix("CWE-")
        tags += ["security", f"external/cwe/cwe-{int(number):03d}"]
        descriptor["helpUri"] = _cwe_uri(rule.cwe)
        descriptor["properties"]["security-severity"] = _SECURITY_SEVERITY[worst]
    return descriptor


def _describe(rule: Rule) -> str:
    cwe = f" ({rule.cwe})" if rule.cwe else ""
    return f"{rule.title}{cwe}. Family: {rule.family}."


def _help(rule: Rule) -> dict[str, str]:
    """How to judge a result of this rule, as text and as Markdown."""
    advice = (
        "Read the result's message, which says why this code is affected, and the suggested fix if there is one. "
        "Who found it and who confirmed it is in the result's properties. Dismiss it with a reason if it is wrong."
    )
    more = f"More about {rule.cwe}: {_cwe_uri(rule.cwe)}" if rule.cwe else ""
    link = f"[{rule.cwe}]({_cwe_uri(rule.cwe)})" if rule.cwe else ""
    return {
        "text": "\n\n".join(filter(None, [f"{rule.title}.", advice, more])),
        "markdown": "\n\n".join(filter(None, [f"**{rule.title}**", advice, link])),
    }


def _cwe_uri(cwe: str) -> str:
    return f"https://cwe.mitre.org/data/definitions/{cwe.removeprefix('CWE-')}.html"


def _result(finding: Finding, rule_ids: list[str], *, redact: Redact) -> dict[str, Any]:
    rule_id = rule_for(finding.rule_id).id
    title = " ".join(strip_invisible(redact(finding.title)).split())
    prose = strip_invisible(redact(finding.explanation))
    result: dict[str, Any] = {
        "ruleId": rule_id,
        "ruleIndex": rule_ids.index(rule_id),
        "level": _LEVELS[finding.severity],
        "message": {
            "text": _plain(f"{title}\n\n{prose}".strip()),
            "markdown": _plain(clean_markdown(f"**{title}**\n\n{prose}", redact=redact)),
        },
        "locations": [_location(finding)],
        "properties": _properties(finding),
    }
    if finding.duplicates:
        result["relatedLocations"] = [_related_location(each) for each in finding.duplicates]
    if finding.fingerprint:
        result["partialFingerprints"] = {"quorum/v1": finding.fingerprint}
    if _is_fixable(finding, redact=redact):
        result["fixes"] = [_fix(finding)]
    return result


def _properties(finding: Finding) -> dict[str, Any]:
    return {
        "stage": finding.stage.value,
        "severity": finding.severity.value,
        "cwe": clean_cwe(finding.cwe) or None,
        "foundBy": list(finding.found_by),
        "confirmedBy": list(finding.confirmed_by),
        "side": finding.side.value,
        **({"ownRule": finding.own_rule} if rule_name(finding) != finding.rule_id else {}),
    }


def _location(finding: Finding) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.path), "uriBaseId": "%SRCROOT%"}}
    if finding.side is Side.RIGHT and finding.start_line >= 1:  # base lines have no location in the head
        physical["region"] = {
            "startLine": finding.start_line,
            "endLine": max(finding.start_line, finding.end_line),
        }
    return {"physicalLocation": physical}


def _related_location(place: DuplicatePlace) -> dict[str, Any]:
    artifact = {"uri": _uri(place.path), "uriBaseId": "%SRCROOT%"}
    physical = {"artifactLocation": artifact, "region": {"startLine": place.start_line}}
    return {"physicalLocation": physical, "message": {"text": "The same defect."}}


def _is_fixable(finding: Finding, *, redact: Redact) -> bool:
    suggestion = finding.suggestion
    return suggestion is not None and finding.side is Side.RIGHT and redact(suggestion) == suggestion


def _fix(finding: Finding) -> dict[str, Any]:
    replacement: dict[str, Any] = {
        "deletedRegion": {
            "startLine": finding.start_line,
            "startColumn": 1,
            "endLine": finding.end_line + 1,
            "endColumn": 1,
        }
    }
    if finding.suggestion:
        replacement["insertedContent"] = {"text": _plain(finding.suggestion.removesuffix("\n") + "\n")}
    change = {"artifactLocation": {"uri": _uri(finding.path)}, "replacements": [replacement]}
    return {"description": {"text": "Suggested fix"}, "artifactChanges": [change]}


def _invocation(report: ReviewReport, *, redact: Redact) -> dict[str, Any]:
    """Notifications about what was not reviewed, so that readers can tell an incomplete result from a clean one."""
    messages = [make_statement(report).text]
    messages += [f"{left.path} was not read: {left.reason}" for left in report.coverage.omitted]
    messages += [f"{part.path} was read only in part: {part.reason}" for part in report.coverage.partly]
    messages += [
        f"{path} was not read by {stage.stage}: {LEFT_OUT}"
        for stage in report.stages
        for path in stage.left_out
    ]
    messages += dict.fromkeys([*report.notes, *(note for stage in report.stages for note in stage.notes)])
    complete = not report.coverage.partly and all(
        stage.status is not StageStatus.FAILED for stage in report.stages
    )
    notifications = [
        {"level": "note", "message": {"text": _plain(strip_invisible(redact(text)))}} for text in messages
    ]
    return {"executionSuccessful": complete, "toolExecutionNotifications": notifications}


def _uri(path: str) -> str:
    """A relative URI reference for any path; bytes that are not UTF-8 are percent-encoded."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/")


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
