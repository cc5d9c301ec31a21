"""Endpoints of check runs, check suites and code scanning, and what GitHub knows about dependencies.

https://docs.github.com/en/rest/checks
https://docs.github.com/en/rest/code-scanning/code-scanning#upload-an-analysis-as-sarif-data
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

import base64
import binascii
import gzip
import json
import re
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from github_sandbox.call import Call, Endpoint, answer, paged
from github_sandbox.checks import render_check_run, render_check_suite
from github_sandbox.errors import ApiError, not_found
from github_sandbox.rendering import render_repository
from github_sandbox.repository import Repository
from github_sandbox.state import CheckRun, Json, Posted

COMPRESSED_LIMIT = 10_000_000
RUNS_LIMIT = 20
RESULTS_LIMIT = 25_000  # per run; the same limit applies to rules
_SHA = re.compile(r"[0-9a-f]{40}")
_REF = re.compile(r"refs/(?:heads/.+|tags/.+|pull/(?P<number>\d+)/(?:head|merge))")


def _run(call: Call) -> CheckRun:
    run = call.repository.check_runs.get(call.number("check_run_id"))
    if run is None:
        raise not_found()
    return run


async def create_check_run(call: Call) -> Response:
    """Create a check run; an existing one with the same name stays."""
    return answer(render_check_run(call.repository, call.repository.create_check_run(call.body)), 201)


async def get_check_run(call: Call) -> Response:
    """Get a check run."""
    return answer(render_check_run(call.repository, _run(call)))


async def update_check_run(call: Call) -> Response:
    """Update a check run; annotations are appended."""
    run = _run(call)
    call.repository.update_check_run(run, call.body)
    return answer(render_check_run(call.repository, run))


async def list_annotations(call: Call) -> Response:
    """List a check run's annotations."""
    run = _run(call)
    optional = ("start_column", "end_column", "title", "raw_details")
    rows: list[Json] = [
        {
            **dict.fromkeys(optional),
            **annotation,
            "blob_href": f"{call.repository.html_url}/blob/{run.head_sha}/{annotation['path']}",
        }
        for annotation in run.annotations
    ]
    return paged(call, rows)


async def list_check_runs(call: Call) -> Response:
    """List the check runs of a commit; `filter=latest` (the default) returns the newest of each name."""
    repo = call.repository
    sha = repo.commit(call.text("ref"))
    runs = [run for run in repo.check_runs.values() if run.head_sha == sha]
    runs = [run for run in runs if call.query.get("check_name") in (None, run.name)]
    runs = [run for run in runs if call.query.get("status") in (None, run.status)]
    if call.query.get("filter", "latest") == "latest":
        runs = list({run.name: run for run in runs}.values())
    return paged(
        call,
        [render_check_run(repo, run) for run in reversed(runs)],
        wrap=lambda rows: {"total_count": len(runs), "check_runs": rows},
    )


async def list_check_suites(call: Call) -> Response:
    """List the check suites of a commit."""
    repo = call.repository
    suite = repo.check_suites.get(repo.commit(call.text("ref")))
    rows = [{**render_check_suite(repo, suite), "repository": render_repository(repo)}] if suite else []
    return paged(call, rows, wrap=lambda page: {"total_count": len(rows), "check_suites": page})


async def rerequest(call: Call) -> Response:
    """Re-run a check run."""
    call.repository.rerequest(_run(call), user=call.account.login)
    return answer({}, 201)


def read_upload(repository: Repository, body: Json) -> Json:
    """Read the SARIF log of a request; raise what GitHub answers if it rejects the log."""
    if not repository.code_scanning:
        raise ApiError(403, "Code Security must be enabled for this repository to use code scanning.")
    for key in ("commit_sha", "ref", "sarif"):
        if not isinstance(body.get(key), str):
            raise ApiError(400, f"{key} is missing")
    _check_commit(repository, body["commit_sha"], body["ref"])
    log = _unpack(body["sarif"])
    _check_log(log)
    return log


def _check_commit(repository: Repository, sha: str, ref: str) -> None:
    found = _REF.fullmatch(ref)
    if not _SHA.fullmatch(sha) or not found:
        raise ApiError(400, "commit_sha or ref is malformed")
    if repository.git.resolve(sha) is None:
        raise not_found()
    if found["number"]:
        repository.pull(int(found["number"]))


def _unpack(packed: str) -> Json:
    try:
        compressed = base64.b64decode(packed, validate=True)
        if len(compressed) > COMPRESSED_LIMIT:
            raise ApiError(413, "SARIF file is too large")
        return json.loads(gzip.decompress(compressed))
    except (binascii.Error, OSError, EOFError, ValueError) as error:
        raise ApiError(400, "Invalid SARIF. Could not decode the file.") from error


def _check_log(log: Json) -> None:
    runs: list[Json] = log.get("runs") or []
    if log.get("version") != "2.1.0" or not 1 <= len(runs) <= RUNS_LIMIT:
        raise ApiError(400, "Invalid SARIF. Only version 2.1.0 with up to 20 runs is supported.")
    for run in runs:
        driver: Json = run["tool"]["driver"]
        results: list[Json] = run.get("results") or []
        if not driver.get("name"):
            raise ApiError(400, "Invalid SARIF. The tool has no name.")
        if max(len(results), len(driver.get("rules") or [])) > RESULTS_LIMIT:
            raise ApiError(400, f"Invalid SARIF. Over {RESULTS_LIMIT} results or rules.")
        for result in results:
            _check_result(result)


def _check_result(result: Json) -> None:
    """Check that a result has a location: GitHub requires one, see https://github.com/github/codeql-action/issues/754."""
    locations: list[Any] = result.get("locations") or []
    if not result.get("message", {}).get("text") or not locations:
        raise ApiError(400, "Invalid SARIF. A result needs a message and a location.")
    place: Json = locations[0]["physicalLocation"]
    if not place["artifactLocation"]["uri"] or place.get("region", {}).get("startLine", 1) < 1:
        raise ApiError(400, "Invalid SARIF. A location needs a file, and lines from 1 on.")


async def upload_sarif(call: Call) -> Response:
    """Upload a SARIF report."""
    repository = call.repository
    log = read_upload(repository, call.body)
    target = {**call.body, "sarif": log}
    repository.record(Posted(kind="sarif", id=call.hub.next_id(), body=json.dumps(log), target=target))
    receipt = str(uuid4())
    return answer({"id": receipt, "url": f"{repository.url}/code-scanning/sarifs/{receipt}"}, 202)


async def compare_dependencies(call: Call) -> Response:
    """Compare dependencies; disabled, as in most private repositories, until a test sets them."""
    if call.repository.dependency_changes is None:
        raise ApiError(403, "Dependency graph is not enabled for this repository.")
    return answer(call.repository.dependency_changes)


async def list_advisories(call: Call) -> Response:
    """List advisories of the ecosystem for the requested `package@version` pairs."""
    requested = set(call.query.get("affects", "").split(","))
    ecosystem = call.query.get("ecosystem")
    return answer(
        [
            advisory
            for affected, advisory in call.hub.advisories
            if affected in requested
            and any(flaw["package"]["ecosystem"] == ecosystem for flaw in advisory["vulnerabilities"])
        ]
    )


_R = "/repos/{owner}/{repo}"
_RUN = f"{_R}/check-runs/{{check_run_id:int}}"
ENDPOINTS = (
    Endpoint("POST", f"{_R}/check-runs", create_check_run, "checks:write"),
    Endpoint("GET", _RUN, get_check_run, "checks:read"),
    Endpoint("PATCH", _RUN, update_check_run, "checks:write"),
    Endpoint("GET", f"{_RUN}/annotations", list_annotations, "checks:read"),
    Endpoint("POST", f"{_RUN}/rerequest", rerequest, "checks:write"),
    Endpoint("GET", f"{_R}/commits/{{ref:path}}/check-runs", list_check_runs, "checks:read"),
    Endpoint("GET", f"{_R}/commits/{{ref:path}}/check-suites", list_check_suites, "checks:read"),
    Endpoint("POST", f"{_R}/code-scanning/sarifs", upload_sarif, "security_events:write"),
    Endpoint(
        "GET", f"{_R}/dependency-graph/compare/{{basehead:path}}", compare_dependencies, "contents:read"
    ),
    Endpoint("GET", "/advisories", list_advisories, "anyone"),
)
