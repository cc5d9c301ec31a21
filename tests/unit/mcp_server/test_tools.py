"""The tools through the SDK's own client, in memory."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError

from app.domain.analysis import Advisory, AdvisoryAnswer, Package
from app.domain.finding import Severity
from app.mcp_server.server import STATIONS, build_mcp_server
from app.mcp_server.service import ToolService
from tests.scenarios.vendors import Vendors, finding
from tests.unit.github.repositories import Checkout

SINK = "import os\nfrom flask import request\n\n\ndef run():\n    os.system('ls ' + request.args['d'])\n"
DIFF = f"""diff --git a/pay.py b/pay.py
new file mode 100644
--- /dev/null
+++ b/pay.py
@@ -0,0 +1,6 @@
{"".join("+" + line for line in SINK.splitlines(keepends=True))}"""
LOCK = json.dumps(
    {"lockfileVersion": 3, "packages": {"node_modules/left-pad": {"version": "1.3.0"}}}, indent=1
)


async def call(service: ToolService, tool: str, **arguments: Any) -> dict[str, Any]:
    async with Client(build_mcp_server(service)) as client:
        answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    assert answer.structured_content is not None
    return answer.structured_content


async def refusal(service: ToolService, tool: str, **arguments: Any) -> str:
    async with Client(build_mcp_server(service)) as client:
        answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return str(answer.content)


async def test_every_tool_has_an_input_and_an_output_schema(keyless: ToolService) -> None:
    async with Client(build_mcp_server(keyless)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}

    assert set(tools) == {
        "code_review",
        "security_scan",
        "doc_generator",
        "review_pipeline",
        "explain_finding",
        "list_findings",
        "get_finding",
        "propose_fix",
        "mark_fixed",
        "stats",
        "find_definition",
        "find_references",
        "read_lines",
        "search_code",
    }
    assert all(tool.output_schema and tool.description for tool in tools.values())
    scan = tools["security_scan"].input_schema
    assert scan["required"] == ["code"]
    assert scan["properties"]["scan_type"]["enum"] == ["sast", "sca", "dast"]


async def test_without_a_key_the_analyzers_scan_and_a_note_says_so(keyless: ToolService) -> None:
    said = await call(keyless, "security_scan", code=SINK)

    assert (said["scan_type"], said["status"]) == ("sast", "checked")
    assert any(f["path"] == "snippet.py" and f["start_line"] == 6 for f in said["findings"])
    assert said["result"].startswith("Not reviewed by a model: none is configured or allowed.")


async def test_a_diff_is_read_as_a_change_of_its_own_files(keyless: ToolService) -> None:
    said = await call(keyless, "security_scan", code=DIFF)
    assert {f["path"] for f in said["findings"]} == {"pay.py"}


async def test_a_models_finding_is_verified_by_another_vendor(
    with_models: ToolService, vendors: Vendors
) -> None:
    quote = "    os.system('ls ' + request.args['d'])"
    vendors.claude.finds(finding("snippet.py", quote, line=6, title="The directory may be missing"))

    said = await call(with_models, "code_review", code=SINK, language="python")

    found = next(f for f in said["findings"] if f["title"] == "The directory may be missing")
    assert found["found_by"][0].startswith("claude:")
    assert found["confirmed_by"]
    assert said["status"] == "reviewed"
    assert said["usage"]["calls"] == len([a for v in vendors for a in v.requests_for()]) > 1


async def test_code_is_not_reviewed_if_no_model_answers(with_models: ToolService, vendors: Vendors) -> None:
    for vendor in vendors:
        vendor.refuses()

    review = await call(with_models, "code_review", code="x = 1\n")
    scan = await call(with_models, "security_scan", code="x = 1\n")

    assert review["status"] == "not_reviewed"
    assert scan["status"] == "could_not_check"
    assert review["stages"][0]["error"]


async def test_secrets_do_not_reach_a_model(with_models: ToolService, vendors: Vendors) -> None:
    key = "AKIA" + "Q3EGRIMTTH5A" + "7KXZ"
    await call(with_models, "code_review", code=f'KEY = "{key}"\n', language="python")
    asked = [text.text for vendor in vendors for text in vendor.requests_for()]
    assert asked
    assert not [text for text in asked if key in text]


async def test_the_pipeline_reports_its_progress(keyless: ToolService) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with Client(build_mcp_server(keyless)) as client:
        answer = await client.call_tool("review_pipeline", {"code": SINK}, progress_callback=hear)

    assert not answer.is_error
    assert [done for done, *_ in heard] == list(range(1, len(STATIONS) + 1))
    assert {message.split(":")[0] for _, _, message in heard if message} == set(STATIONS)


async def test_a_model_writes_documentation_in_the_requested_format(
    with_models: ToolService, vendors: Vendors
) -> None:
    for vendor in vendors:
        vendor.documents_as(
            "Runs a listing.",
            {"format": "html", "title": "run", "content": "<p>Lists a directory.</p>"},
        )

    said = await call(with_models, "doc_generator", code=SINK, format="html")

    assert said["status"] == "written"
    assert {document["format"] for document in said["documents"]} == {"html"}


@pytest.mark.parametrize("docs_format", ["openapi", "html"])
async def test_without_a_model_documentation_is_only_written_in_markdown(
    keyless: ToolService, docs_format: str
) -> None:
    said = await call(keyless, "doc_generator", code=SINK, format=docs_format)
    assert said["status"] == "not_written"
    assert any("Only a model writes" in note for note in said["notes"])


async def test_an_openapi_description_of_code_without_routes_is_not_applicable(
    with_models: ToolService,
) -> None:
    said = await call(with_models, "doc_generator", code=SINK, format="openapi")
    assert said["status"] == "not_written"
    assert any("the change adds or changes no HTTP route" in note for note in said["notes"])
    assert not any("Only a model writes" in note for note in said["notes"])


async def test_without_a_model_the_analyzers_document_and_a_note_says_so(keyless: ToolService) -> None:
    said = await call(keyless, "doc_generator", code=SINK)
    assert [stage["provider"] for stage in said["stages"] if stage["stage"] == "docs"] == ["analyzers"]
    assert said["result"].startswith("Not reviewed by a model: none is configured or allowed.")


async def test_unchecked_packages_are_never_reported_as_clean(keyless: ToolService) -> None:
    said = await call(keyless, "security_scan", code=LOCK, scan_type="sca")

    assert said["status"] == "could_not_check"
    assert [(p["ecosystem"], p["name"], p["version"]) for p in said["packages"]] == [
        ("npm", "left-pad", "1.3.0")
    ]
    assert any("Could not check" in note for note in said["notes"])


async def test_code_is_not_a_manifest(keyless: ToolService) -> None:
    said = await call(keyless, "security_scan", code=SINK, scan_type="sca")
    assert said["status"] == "not_applicable"


async def test_a_finding_can_be_explained_by_its_id(keyless: ToolService) -> None:
    server = build_mcp_server(keyless)
    async with Client(server) as client:
        scan = (await client.call_tool("security_scan", {"code": SINK})).structured_content
        assert scan
        wanted = scan["findings"][0]
        told = (await client.call_tool("explain_finding", {"finding_id": wanted["id"]})).structured_content
        unknown = await client.call_tool("explain_finding", {"finding_id": "nothing"})

    assert told
    assert told["finding"] == wanted
    assert told["rule"]
    assert unknown.is_error


async def test_statistics_per_model_are_returned(with_models: ToolService) -> None:
    await call(with_models, "code_review", code="x = 1\n")
    said = await call(with_models, "stats", since="1h")
    assert said["models"][0]["calls"] >= 1
    assert "span" in await refusal(with_models, "stats", since="a while")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"code": "  \n"}, "empty"),
        ({"code": "x" * 400_001}, "into parts"),
        ({"code": "x", "language": "klingon"}, "is unknown"),
        ({"code": "diff --git a/x b/x\n@@ nonsense"}, ""),
    ],
)
async def test_unreadable_input_is_rejected_with_a_sentence(
    keyless: ToolService, arguments: dict[str, str], reason: str
) -> None:
    if reason:
        assert reason in await refusal(keyless, "code_review", **arguments)
    else:
        assert (await call(keyless, "code_review", **arguments))["status"] == "not_reviewed"


async def test_the_schema_and_the_recent_calls_are_resources(keyless: ToolService) -> None:
    async with Client(build_mcp_server(keyless)) as client:
        await client.call_tool("code_review", {"code": "x = 1\n"})
        names = {str(resource.uri) for resource in (await client.list_resources()).resources}
        recent = await client.read_resource("quorum://reviews/recent")
        schema = await client.read_resource("quorum://configuration/schema")

    assert names == {"quorum://reviews/recent", "quorum://configuration/schema"}
    assert len(json.loads(recent.contents[0].model_dump()["text"])["calls"]) == 1
    assert "min_severity" in json.loads(schema.contents[0].model_dump()["text"])["properties"]


@pytest.mark.parametrize("stage", ["review", "security", "docs"])
async def test_the_stages_prompts_can_be_used_by_others(keyless: ToolService, stage: str) -> None:
    async with Client(build_mcp_server(keyless)) as client:
        prompt = await client.get_prompt(stage, {"code": SINK, "language": "python"})

    text = prompt.messages[0].content.model_dump()["text"]
    assert "# Task: " in text
    assert "snippet.py" in text
    assert "os.system" in text


async def test_a_prompt_says_what_was_left_out_and_why_it_failed(keyless: ToolService) -> None:
    async with Client(build_mcp_server(keyless)) as client:
        prompt = await client.get_prompt("review", {"code": "x = 1\n" * 60_000, "language": "python"})
        assert "Note: snippet.py is not below: " in prompt.messages[0].content.model_dump()["text"]
        with pytest.raises(MCPError, match="`code` is empty"):
            await client.get_prompt("review", {"code": " "})
        keyless.deadline_s = 0.0
        with pytest.raises(MCPError, match="did not finish within 0 s"):
            await client.get_prompt("review", {"code": "x = 1\n"})


async def database_of_one_flaw(packages: Sequence[Package]) -> AdvisoryAnswer:
    flaw = Advisory(package=packages[0], id="GHSA-x", severity=Severity.HIGH, summary="It runs what it reads")
    known = tuple(package for package in packages if package.version is None)
    return AdvisoryAnswer(source="the database", advisories=(flaw,), unchecked=known)


async def test_packages_in_the_advisory_database_are_checked(keyless: ToolService) -> None:
    keyless.lookup_advisories = database_of_one_flaw
    said = await call(keyless, "security_scan", code=LOCK, scan_type="sca")
    assert said["status"] == "checked"
    assert [(f["rule_id"], f["severity"]) for f in said["findings"]] == [("vulnerable-dependency", "high")]


async def test_one_unchecked_package_changes_the_status(keyless: ToolService) -> None:
    keyless.lookup_advisories = database_of_one_flaw
    said = await call(keyless, "security_scan", code="flask==3.0.0\nrequests>=2\n", scan_type="sca")
    assert said["status"] == "could_not_check"
    assert [package["name"] for package in said["packages"]] == ["flask", "requests"]


async def test_a_manifest_that_a_diff_shows_partially_is_not_checked(keyless: ToolService) -> None:
    keyless.lookup_advisories = database_of_one_flaw
    diff = (
        "diff --git a/requirements.txt b/requirements.txt\n--- a/requirements.txt\n+++ b/requirements.txt\n"
        "@@ -1 +1,2 @@\n flask==3.0.0\n+requests==2.0\n"
    )
    said = await call(keyless, "security_scan", code=diff, scan_type="sca")
    assert said["status"] == "could_not_check"
    assert any("only parts" in note for note in said["notes"])


LICENSE_HEADER = "".join(f"# line {number} of the license\n" for number in range(14))


async def test_a_license_header_before_code_is_read_at_once(keyless: ToolService) -> None:
    report = await call(keyless, "code_review", code=f"{LICENSE_HEADER}import os\n")
    assert report["status"] == "reviewed"


@pytest.mark.parametrize("tool", ["code_review", "security_scan", "doc_generator", "review_pipeline"])
async def test_code_and_names_over_the_limit_are_refused(keyless: ToolService, tool: str) -> None:
    assert "the limit per call is" in await refusal(keyless, tool, code="x" * 400_001)
    assert "255 characters" in await refusal(keyless, tool, code="x", language="y" * 256)


async def test_a_tool_that_takes_too_long_is_ended_with_a_reason(
    with_models: ToolService, vendors: Vendors
) -> None:
    del vendors
    with_models.deadline_s = 0.0
    assert "did not finish within 0 s" in await refusal(with_models, "code_review", code=SINK)


async def test_the_code_tools_read_the_last_commit_and_nothing_else(
    keyless: ToolService, tmp_path: Path
) -> None:
    checkout = Checkout(tmp_path / "repository")
    key = "AKIA" + "Z7QHWT3RK5VN2XPM"  # built at runtime, so that no secret scanner blocks this file
    checkout.commit({"shop.py": f'KEY = "{key}"\n\n\ndef total(cart):\n    return sum(cart)\n'})
    checkout.write({".env": "SECRET=1", "shop.py": "total = None\n"})
    keyless.repository = checkout.directory
    found = await call(keyless, "find_definition", name="total")
    assert found["status"] == "found"
    assert found["code"] == [
        {"path": "shop.py", "start_line": 4, "end_line": 5, "text": "def total(cart):\n    return sum(cart)"}
    ]
    lines = await call(keyless, "read_lines", path="shop.py", end_line=1)
    assert "[REDACTED" in lines["code"][0]["text"]
    assert key not in str(lines)
    assert (await call(keyless, "search_code", text="sum(cart)"))["code"][0]["start_line"] == 5
    assert (await call(keyless, "find_references", name="total"))["code"][0]["path"] == "shop.py"
    for path in (".env", "../../etc/passwd", ".git/config", "/etc/passwd"):
        hidden = await call(keyless, "read_lines", path=path)
        assert (hidden["status"], hidden["code"]) == ("not_available", [])
        assert hidden["reason"]


async def test_without_a_repository_the_code_tools_say_so(keyless: ToolService) -> None:
    assert "not started in a git repository" in await refusal(keyless, "find_definition", name="total")
