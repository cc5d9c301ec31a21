"""The stand-in rejects the uploads that GitHub rejects.

https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

import base64
import gzip
import json
import random
from typing import Any

import pytest

from github_sandbox import ApiError, rest_checks
from github_sandbox.rest_checks import read_upload
from tests.github_sandbox.conftest import SandboxHarness

RESULT = {
    "message": {"text": "m"},
    "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 1}}}],
}


def log(*results: Any, **changed: Any) -> dict[str, Any]:
    run = {"tool": {"driver": {"name": "Quorum"}}, "results": list(results)}
    return {"version": "2.1.0", "runs": [run], **changed}


def pack(value: Any) -> str:
    return base64.b64encode(gzip.compress(json.dumps(value).encode())).decode()


def body(world: SandboxHarness, **changed: Any) -> dict[str, Any]:
    return {
        "commit_sha": world.pull.head_sha,
        "ref": "refs/pull/1/head",
        "sarif": pack(log(RESULT)),
        **changed,
    }


def refusal(world: SandboxHarness, **changed: Any) -> int:
    with pytest.raises(ApiError) as refused:
        read_upload(world.repository, body(world, **changed))
    return refused.value.status


async def test_a_valid_upload_is_accepted(world: SandboxHarness) -> None:
    assert read_upload(world.repository, body(world)) == log(RESULT)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"sarif": None}, 400),
        ({"sarif": "no base64"}, 400),
        ({"sarif": base64.b64encode(b"{}").decode()}, 400),
        ({"sarif": pack(log(version="2.0.0"))}, 400),
        ({"sarif": pack(log(runs=[]))}, 400),
        ({"sarif": pack(log(*[RESULT] * 25_001))}, 400),
        ({"sarif": pack(log({**RESULT, "locations": []}))}, 400),
        ({"sarif": pack(log({**RESULT, "message": {}}))}, 400),
        ({"ref": "main"}, 400),
        ({"ref": "refs/pull/1"}, 400),
        ({"ref": "refs/pull/99/head"}, 404),
        ({"commit_sha": "HEAD"}, 400),
        ({"commit_sha": "0" * 40}, 404),
    ],
)
async def test_an_invalid_upload_is_rejected(
    world: SandboxHarness, changed: dict[str, Any], status: int
) -> None:
    assert refusal(world, **changed) == status


async def test_an_upload_that_is_too_large_is_rejected(world: SandboxHarness) -> None:
    noise = random.Random(0).randbytes(rest_checks.COMPRESSED_LIMIT + 1)
    assert refusal(world, sarif=base64.b64encode(noise).decode()) == 413


async def test_code_scanning_can_be_disabled(world: SandboxHarness) -> None:
    world.repository.code_scanning = False
    assert refusal(world) == 403
