"""GitHub Enterprise Server, as published for each version from 3.14: it knows every request that Quorum sends.

The guard (`guard.py`) checks the parameters and fields of each request in the scenarios too.
"""

from typing import Any

import httpx
import pytest

from app.commands.manifest import read_manifest
from app.github.auth import FILE_PERMISSIONS, READ_PERMISSIONS, RESOLVE_PERMISSIONS, REVIEW_PERMISSIONS
from app.github.security import CODE_SCANNING_PERMISSIONS
from github_sandbox.graphql_api import SCHEMA_PATH
from tests.contracts.enterprise import calls, enterprise_servers
from tests.contracts.graphql import definitions, members
from tests.contracts.guard import OpenApiGuard

VERSIONS = list(enterprise_servers()["events"])
TOKENS = "POST /app/installations/{}/access_tokens"
SERVER = "https://github.example.com/api/v3"


def known(operation: str, kind: str, version: str) -> set[str]:
    rows = enterprise_servers()["operations"][operation]
    return next(set(row[kind]) for row in rows if version in row["versions"].split(", "))


def test_the_published_versions_begin_with_the_oldest_supported_one() -> None:
    assert VERSIONS == ["3.14", "3.15", "3.16", "3.17", "3.18", "3.19"]


@pytest.mark.parametrize("call", sorted(calls()))
def test_each_call_of_the_code_exists_in_each_version(call: str) -> None:
    rows: list[dict[str, Any]] = enterprise_servers()["operations"][call]
    assert sorted(version for row in rows for version in row["versions"].split(", ")) == VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_grants_the_permissions_of_tokens_and_of_the_manifest(version: str) -> None:
    manifest = read_manifest(SERVER)
    requested = (FILE_PERMISSIONS, READ_PERMISSIONS, RESOLVE_PERMISSIONS, REVIEW_PERMISSIONS)
    names = {name for each in (*requested, CODE_SCANNING_PERMISSIONS) for name in each}
    names |= set(manifest["default_permissions"])
    assert {f"permissions.{name}" for name in names} <= known(TOKENS, "body", version)
    assert set(manifest["default_events"]) <= set(enterprise_servers()["events"][version])


def test_only_github_com_is_asked_for_merge_queues() -> None:
    there, here = read_manifest("https://api.github.com"), read_manifest(SERVER)
    assert set(there["default_events"]) - set(here["default_events"]) == {"merge_group"}
    assert there["default_permissions"].keys() - here["default_permissions"].keys() == {"merge_queues"}


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (("GET", "/app/hook/deliveries?status=failure", None), "unknown query parameter status"),
        (
            ("POST", "/repos/o/r/code-scanning/sarifs", {"commit_sha": "a" * 40, "ref": "refs/heads/main", "sarif": "s", "validate": True}),
            "unknown field validate",
        ),
    ],
)  # fmt: skip
def test_the_guard_notices_what_only_github_com_knows(sent: tuple[str, str, Any], seen: str) -> None:
    method, path, body = sent
    guard = OpenApiGuard(raises=False)
    guard.check_request(httpx.Request(method, f"{SERVER}{path}", json=body))
    assert any("Enterprise Server" in each and seen in each for each in guard.violations)


def test_a_schema_older_than_the_oldest_version_has_every_part_that_documents_may_use() -> None:
    """The stand-in rejects what its schema lacks. GitHub published this schema half a year before version 3.14."""
    published: dict[str, Any] = enterprise_servers()["types"]
    for name, node in definitions(SCHEMA_PATH.read_text(encoding="utf-8")).items():
        for member, (kind, arguments) in members(node).items():
            if (name, member) != ("Query", "id"):  # no document asks for it
                assert published[name][member][0] == kind, (name, member)
                assert arguments.items() <= published[name][member][1].items(), (name, member)
