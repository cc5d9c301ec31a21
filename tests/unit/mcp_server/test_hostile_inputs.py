"""Fifty hostile inputs over HTTP, to one server and through the protocol's own client: each call is answered, and the server goes on."""

import itertools
from typing import Any

import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from app.mcp_server.service import ToolService
from tests.unit.mcp_server.test_http import URL, client_of, opened

SIZE = 3_000  # characters of most inputs
MAX_REFUSAL_CHARACTERS = 400
HEADER = "".join(f"# line {number} of the license\n" for number in range(14))
BOMB = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in itertools.pairwise("abcdefghi")
)
REPEATED = [
    "(", "[", "{", "<", "'", '"', "`", "\\", "/*", "<!--", "# x\n", "\n", "\r", "\t", " ", "a", "a ", "a=", "a==1\n", "1.", "- ", "? ", ": ",
    "&a ", "[[package]]\n", "\u202e", "\ufeff", "é", "😀", "f\"{", "$(", "<<A\n", "@@ -1 +1 @@\n", "diff --git a/a b/a\n", "--- a\n+++ b\n",
]  # fmt: skip
INPUTS = [
    *(piece * (SIZE // len(piece)) for piece in REPEATED),
    "",
    f"{HEADER}import os\n",
    BOMB,
    '{"openapi": ' + "[" * SIZE,
    "openapi: " + "9" * 20_000,
    "<?xml" + " " * SIZE,
    "module x\n" * 300 + "requir",
    "GEM\n" * 800,
    "requirements==1\n" * 200 + "!",
    "a.b." * 800 + " v1\n",
    "diff --git a/a b/a\n@@ -1,999999999 +1,999999999 @@\n+x\n",
    "From " + "0" * 40 + " Mon\n" + "x" * SIZE,
    "\x00" * SIZE,
    "```\n" + " " * SIZE,
    "-----BEGIN PRIVATE KEY-----\n" * 100,
    "key = '" + "A1" * 1_500,
    "x" * 500_000,
]  # fmt: skip
CALLS: list[tuple[str, dict[str, str]]] = [
    ("code_review", {}),
    ("security_scan", {}),
    ("security_scan", {"scan_type": "sca"}),
    ("security_scan", {"scan_type": "sca", "language": "go.mod"}),
    ("security_scan", {"scan_type": "dast"}),
    ("doc_generator", {}),
    ("review_pipeline", {}),
]
NAMES = ["", "\x00", "x" * 100_000, "٣d", "9999999w", "-1d", "'; drop table findings --"]


def hostile_calls() -> list[tuple[str, dict[str, Any]]]:
    """One tool for each input, so that every tool sees several of each kind; and the names that the other tools take."""
    code = [
        (tool, {"code": text, **more})
        for text, (tool, more) in zip(INPUTS, itertools.cycle(CALLS), strict=False)
    ]
    return [
        *code,
        *(("explain_finding", {"finding_id": text}) for text in NAMES),
        *(("stats", {"since": text}) for text in NAMES),
    ]


@pytest.mark.slow
async def test_every_hostile_input_is_answered_over_http(keyless: ToolService) -> None:
    assert len(INPUTS) >= 50
    async with (
        opened(keyless) as app,
        client_of(app) as http,
        Client(streamable_http_client(URL, http_client=http)) as client,
    ):
        for tool, arguments in hostile_calls():
            answer = await client.call_tool(tool, arguments)
            said = "".join(part.text for part in answer.content if part.type == "text")
            assert said, tool
            assert answer.structured_content or answer.is_error, tool
            assert not answer.is_error or len(said) <= MAX_REFUSAL_CHARACTERS, said[:500]
        last = await client.call_tool("security_scan", {"code": "eval(input())\n", "language": "python"})
    assert last.structured_content
    assert last.structured_content["findings"]
