"""What GitHub accepts as an upload to code scanning.

https://docs.github.com/en/rest/code-scanning/code-scanning#upload-an-analysis-as-sarif-data
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

import base64
import binascii
import gzip
import json
import re
from typing import TYPE_CHECKING, Any

from github_sandbox.errors import ApiError, not_found
from github_sandbox.state import Json

if TYPE_CHECKING:
    from github_sandbox.repository import Repository

COMPRESSED_LIMIT = 10_000_000
RUNS_LIMIT = 20
RESULTS_LIMIT = 25_000  # of a run, as are the rules
_SHA = re.compile(r"[0-9a-f]{40}")
_REF = re.compile(r"refs/(?:heads/.+|tags/.+|pull/(?P<number>\d+)/(?:head|merge))")


def read_upload(repository: "Repository", body: Json) -> Json:
    """The SARIF log of a request; raises what GitHub answers to one that it does not take."""
    if not repository.code_scanning:
        raise ApiError(403, "Code Security must be enabled for this repository to use code scanning.")
    for key in ("commit_sha", "ref", "sarif"):
        if not isinstance(body.get(key), str):
            raise ApiError(400, f"{key} is missing")
    _check_commit(repository, body["commit_sha"], body["ref"])
    log = _unpack(body["sarif"])
    _check_log(log)
    return log


def _check_commit(repository: "Repository", sha: str, ref: str) -> None:
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
    """GitHub shows a result by its first location: https://github.com/github/codeql-action/issues/754 is one without."""
    locations: list[Any] = result.get("locations") or []
    if not result.get("message", {}).get("text") or not locations:
        raise ApiError(400, "Invalid SARIF. A result needs a message and a location.")
    place: Json = locations[0]["physicalLocation"]
    if not place["artifactLocation"]["uri"] or place.get("region", {}).get("startLine", 1) < 1:
        raise ApiError(400, "Invalid SARIF. A location needs a file, and lines from 1 on.")
