"""Dynamic testing: what is sent where, and what is never sent. schemathesis is stood in for by a program that notes its order."""

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from app.mcp_server.answers import ScanAnswer
from app.mcp_server.scans import DastPolicy, scan_running_api

TARGET = "https://api.example.com"
POLICY = DastPolicy(targets=("api.example.com", "127.0.0.1:8931"))
REPORT = {
    "complete": True,
    "operations": {"total": 1, "selected": 1, "tested": 1},
    "failures": [
        {
            "code": "ST101",
            "title": "Server error",
            "severity": "critical",
            "count": 2,
            "operations": ["GET /boom"],
        }
    ],
    "errors": [],
}


def description(**more: Any) -> dict[str, Any]:
    answers = {"responses": {"200": {"description": "ok"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "shop", "version": "1"},
        "servers": [{"url": f"{TARGET}/v1/"}],
        "paths": {
            "/boom": {"get": dict(answers), "delete": dict(answers), "servers": [{"url": "https://evil"}]}
        },
        **more,
    }


class StandIn:
    """A program that keeps its arguments and its description, and reports what it is told to."""

    def __init__(self, folder: Path, report: object) -> None:
        self.program = folder / "schemathesis"
        self.seen = folder / "seen.json"
        self.program.write_text(
            f"#!{sys.executable}\n"
            "import json, os, sys\n"
            f"seen = {{'arguments': sys.argv[1:], 'description': json.load(open('openapi.json')), "
            f"'environment': sorted(os.environ)}}\n"
            f"json.dump(seen, open({str(self.seen)!r}, 'w'))\n"
            f"report = json.loads({json.dumps(report)!r})\n"
            "if report is not None: json.dump(report, open('report.json', 'w'))\n"
        )
        self.program.chmod(0o755)

    async def scan(self, document: object, policy: DastPolicy = POLICY) -> ScanAnswer:
        return await scan_running_api(json.dumps(document), policy, find_tool=lambda _: self.program)

    def order(self) -> dict[str, Any]:
        return json.loads(self.seen.read_text())


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path, REPORT)


async def test_failures_of_an_allowed_target_become_findings(stand_in: StandIn) -> None:
    said = await stand_in.scan(description())

    assert said.status == "checked"
    assert [(f.severity, f.title, f.path) for f in said.findings] == [
        ("critical", "Server error: GET /boom", "GET /boom")
    ]
    arguments = stand_in.order()["arguments"]
    assert arguments[arguments.index("--url") + 1] == f"{TARGET}/v1"
    assert arguments[arguments.index("--max-redirects") + 1] == "0"
    assert "coverage" not in arguments[arguments.index("--phases") + 1]


async def test_only_get_and_head_are_called_unless_the_operator_opts_in(stand_in: StandIn) -> None:
    await stand_in.scan(description())
    assert set(stand_in.order()["description"]["paths"]["/boom"]) == {"get"}

    await stand_in.scan(description(), DastPolicy(targets=POLICY.targets, all_methods=True))
    assert set(stand_in.order()["description"]["paths"]["/boom"]) == {"get", "delete"}


async def test_no_secret_of_the_operator_is_passed_on(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    await stand_in.scan(description())
    assert "ANTHROPIC_API_KEY" not in stand_in.order()["environment"]


@pytest.mark.parametrize(
    "server",
    [
        "https://evil.example",
        "https://api.example.com.evil.example",
        "https://api.example.com@evil.example",
        "https://api.example.com:8443",
        "http://127.0.0.1",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "/v1",
        "https://{host}",
        "",
    ],
)
async def test_nothing_is_sent_to_a_host_that_is_not_allowed_exactly(stand_in: StandIn, server: str) -> None:
    said = await stand_in.scan(description(servers=[{"url": server}]))
    assert said.status == "not_applicable"
    assert said.findings == []
    assert not stand_in.seen.exists()


@pytest.mark.parametrize(
    "document",
    [
        description(components={"schemas": {"a": {"$ref": "http://169.254.169.254/x"}}}),
        description(components={"schemas": {"a": {"$ref": "/etc/passwd"}}}),
        description(components={"examples": {"a": {"externalValue": "http://evil.example"}}}),
        description(paths={"/pay": {"post": {}}}),
        description(paths={}),
        description(servers=None),
        {"swagger": "2.0", "host": "api.example.com"},
        ["not", "a", "description"],
        "def run(): pass",
    ],
)
async def test_what_cannot_be_tested_safely_is_not_applicable(stand_in: StandIn, document: object) -> None:
    said = await stand_in.scan(document)
    assert said.status == "not_applicable"
    assert said.notes
    assert not stand_in.seen.exists()


BOMB = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in itertools.pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (BOMB, "aliases are not allowed"),
        ("openapi: 3\nx: !!python/object/apply:os.system [ls]\n", "tags are not allowed"),
        ("openapi: 3\nx: " + "[" * 10_000, "nested deeper"),
        ("openapi: 3\nopenapi: 3\n", "duplicated"),
        ("openapi: 3\n" + "#" * 300_000, "larger than 300000 bytes"),
        ('{"openapi": "3", "x": ' + "[" * 10_000, "this text is not one"),
        ('{"openapi": "3", "x": ' + "[" * 500 + "]" * 500 + "}", "nested too deeply"),
        ("openapi: " + "9" * 5_000, "not readable YAML"),
    ],
)
async def test_a_hostile_description_is_refused_with_the_reason(code: str, reason: str) -> None:
    said = await scan_running_api(code, POLICY, find_tool=lambda _: None)
    assert said.status == "not_applicable"
    assert reason in said.notes[0]


async def test_a_description_is_not_read_if_the_operator_allows_no_target() -> None:
    said = await scan_running_api(BOMB, DastPolicy(), find_tool=lambda _: None)
    assert "QUORUM_DAST_TARGETS" in said.notes[0]


async def test_without_schemathesis_the_answer_says_how_to_install_it() -> None:
    said = await scan_running_api(json.dumps(description()), POLICY, find_tool=lambda _: None)
    assert said.status == "not_applicable"
    assert "quorum-review[dast]" in said.notes[0]


@pytest.mark.parametrize(
    "report",
    [
        None,
        {**REPORT, "complete": False},
        {**REPORT, "operations": {"tested": 0}},
        {**REPORT, "errors": [{"title": "broken"}]},
    ],
)
async def test_an_unfinished_test_is_never_reported_as_clean(tmp_path: Path, report: object) -> None:
    said = await StandIn(tmp_path, report).scan(description())
    assert said.status == "could_not_check"
