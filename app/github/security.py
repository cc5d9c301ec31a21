"""GitHub's security features: known vulnerabilities of new packages, and code scanning.

The dependency review compares the manifests of two commits and is off in many repositories (403). The advisory database
needs package and version. Packages that neither can check are returned as unchecked.
https://docs.github.com/en/rest/dependency-graph/dependency-review
https://docs.github.com/en/rest/security-advisories/global-advisories
https://docs.github.com/en/rest/code-scanning/code-scanning#upload-an-analysis-as-sarif-data"""

import base64
import gzip
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.domain.analysis import Advisory, AdvisoryAnswer, Package
from app.domain.finding import Severity
from app.domain.pull_request import PullRequestRef
from app.errors import GitHubForbidden, GitHubNotFound, GitHubRejected
from app.github.client import RepositoryClient

REVIEW = "GitHub's dependency review"
DATABASE = "GitHub's advisory database"
PAGE = 100
MAX_PACKAGES_PER_REQUEST = 100  # packages per request: the URL contains their names
MAX_REQUESTS = 4

_SEVERITY = {"critical": Severity.CRITICAL, "high": Severity.HIGH, "moderate": Severity.MEDIUM} | {
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
}
_Rows = Sequence[Mapping[str, Any]]


async def fetch_advisories(
    client: RepositoryClient, packages: Sequence[Package], *, base_sha: str, head_sha: str
) -> AdvisoryAnswer:
    """Ask GitHub about known vulnerabilities of these packages.

    Raises:
        GitHubError: neither source answers.
    """
    request = client.rest.dependency_graph.async_diff_range(
        client.owner, client.repo, f"{base_sha}...{head_sha}"
    )
    try:
        rows: Any = await client.fetch(request, to="compare the dependencies")
    except (
        GitHubForbidden,
        GitHubNotFound,
        GitHubRejected,
    ):  # turned off, or the commits are unknown
        return await fetch_database_advisories(client, packages)
    return _reviewed(packages, [row for row in rows if row["change_type"] == "added"])


def _reviewed(packages: Sequence[Package], rows: _Rows) -> AdvisoryAnswer:
    """Assign the rows' vulnerabilities to the packages. A package without a row is unchecked: GitHub does not parse every
    lock file.
    """
    by_name: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_name[_plain(row["name"])].append(row)
    rows_of = {package: _rows_of(package, by_name[_plain(package.name)]) for package in packages}
    return AdvisoryAnswer(
        source=REVIEW,
        advisories=tuple(
            Advisory(
                package=package,
                id=vulnerability["advisory_ghsa_id"],
                severity=_SEVERITY.get(vulnerability["severity"], Severity.MEDIUM),
                summary=vulnerability["advisory_summary"],
            )
            for package, found in rows_of.items()
            for vulnerability in _unique(
                vulnerability for row in found for vulnerability in row["vulnerabilities"]
            )
        ),
        unchecked=tuple(package for package, found in rows_of.items() if not found),
    )


def _rows_of(package: Package, rows: _Rows) -> _Rows:
    """Return the rows of this package and version; for a range, the review resolves the version."""
    return [
        row
        for row in rows
        if row["ecosystem"] == package.ecosystem and package.version in (None, _bare(row["version"]))
    ]


def _unique(vulnerabilities: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Keep one row per advisory: a package can be in several manifests."""
    return list(
        {vulnerability["advisory_ghsa_id"]: vulnerability for vulnerability in vulnerabilities}.values()
    )


async def fetch_database_advisories(client: RepositoryClient, packages: Sequence[Package]) -> AdvisoryAnswer:
    """Ask the advisory database only, which needs no repository; raises `GitHubError`."""
    advisories: list[Advisory] = []
    checked: set[Package] = set()
    for batch in list(_batches(packages))[:MAX_REQUESTS]:
        rows = await _fetch_rows(client, batch)
        found = [
            advisory
            for row in rows
            for package in batch
            for advisory in _database_vulnerability(row, package)
        ]
        advisories += found
        # After a full page, there may be more advisories.
        checked |= set(batch) if len(rows) < PAGE else {advisory.package for advisory in found}
    return AdvisoryAnswer(
        source=DATABASE,
        advisories=tuple(advisories),
        unchecked=tuple(package for package in packages if package not in checked),
    )


def _batches(packages: Sequence[Package]) -> Iterator[list[Package]]:
    """Group packages into requests: one ecosystem each, and no name twice, because answers do not name the version."""
    groups: defaultdict[tuple[str, int], dict[str, Package]] = defaultdict(dict)
    for package in packages:
        if package.version is None:
            continue
        number = 0
        while (
            package.name in groups[package.ecosystem, number]
            or len(groups[package.ecosystem, number]) >= MAX_PACKAGES_PER_REQUEST
        ):
            number += 1
        groups[package.ecosystem, number][package.name] = package
    return (list(group.values()) for group in groups.values() if group)


async def _fetch_rows(client: RepositoryClient, packages: Sequence[Package]) -> _Rows:
    ecosystem: Any = packages[0].ecosystem
    request = client.rest.security_advisories.async_list_global_advisories(
        ecosystem=ecosystem,
        affects=",".join(f"{package.name}@{package.version}" for package in packages),
        per_page=PAGE,
    )
    rows: Any = await client.fetch(request, to="look up advisories")
    return rows


def _database_vulnerability(row: Mapping[str, Any], package: Package) -> list[Advisory]:
    """Return the advisory if it is about this package; the request already selected the version."""
    for vulnerability in row["vulnerabilities"] or ():
        about: Mapping[str, Any] = vulnerability["package"] or {}
        if about.get("ecosystem") == package.ecosystem and _plain(about.get("name") or "") == _plain(
            package.name
        ):
            return [
                Advisory(
                    package=package,
                    id=row["ghsa_id"],
                    severity=_SEVERITY.get(row["severity"], Severity.MEDIUM),
                    summary=row["summary"],
                    fixed_version=vulnerability["first_patched_version"],
                )
            ]
    return []


def _plain(name: str) -> str:
    """Normalize a name as registries do: `Py_YAML` becomes `py-yaml`; a Go module keeps its `/`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _bare(version: str) -> str:
    """Remove the operators that the review keeps from the manifest (`= 1.2`, `== 1.2`)."""
    return version.lstrip("=~^ ")


# Not part of the default permissions: see docs/install.md.
CODE_SCANNING_PERMISSIONS: Mapping[str, str] = {"metadata": "read", "security_events": "write"}
# https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/file-too-large
MAX_SARIF_BYTES = 10_000_000  # compressed
TOOL = "Quorum"


class CodeScanning:
    """Uploads to code scanning, for a pull request of `client`'s repository."""

    def __init__(self, client: RepositoryClient, ref: PullRequestRef) -> None:
        self._client = client
        self._ref = ref

    async def upload(self, head_sha: str, sarif: str) -> None:
        """Upload the analysis of this head; a later upload for the same head replaces it.

        Raises:
            GitHubForbidden: the permission is not granted, or code scanning is off for this repository.
            GitHubRejected: the report is too large.
            GitHubError: the upload failed.
        """
        packed = gzip.compress(sarif.encode(), mtime=0)
        if len(packed) > MAX_SARIF_BYTES:
            raise GitHubRejected(f"The code scanning report is larger than {MAX_SARIF_BYTES} bytes.")
        body: Any = {
            "commit_sha": head_sha,
            "ref": f"refs/pull/{self._ref.number}/head",
            "sarif": base64.b64encode(packed).decode(),
            "tool_name": TOOL,
        }
        request = self._client.rest.code_scanning.async_upload_sarif(
            self._client.owner, self._client.repo, data=body
        )
        await self._client.send(request, to="accept the code scanning report")
