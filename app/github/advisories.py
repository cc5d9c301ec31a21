"""Asks GitHub which new packages of a change have known flaws: its dependency review, else its advisory database.

The dependency review compares the two commits' manifests and is off in many repositories (403); the database must be told
package and version. What neither can judge is named as unchecked. Decides nothing and never raises more than a `GitHubError`.

https://docs.github.com/en/rest/dependency-graph/dependency-review
https://docs.github.com/en/rest/security-advisories/global-advisories
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.domain.analysis import Advisory, AdvisoryAnswer, Package
from app.domain.finding import Severity
from app.errors import GitHubForbidden, GitHubNotFound, GitHubRejected
from app.github.client import RepositoryClient

REVIEW = "GitHub's dependency review"
DATABASE = "GitHub's advisory database"
PAGE = 100
MAX_ASKED = 100  # packages in one request: their names stand in its address
MAX_REQUESTS = 4

_SEVERITY = {"critical": Severity.CRITICAL, "high": Severity.HIGH, "moderate": Severity.MEDIUM} | {
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
}
_Rows = Sequence[Mapping[str, Any]]


async def fetch_advisories(
    client: RepositoryClient, packages: Sequence[Package], *, base_sha: str, head_sha: str
) -> AdvisoryAnswer:
    """What GitHub knows of these packages, and what it does not.

    Raises:
        GitHubError: neither source answers.
    """
    asked = client.rest.dependency_graph.async_diff_range(
        client.owner, client.repo, f"{base_sha}...{head_sha}"
    )
    try:
        rows: Any = await client.fetch(asked, to="compare the dependencies")
    except (
        GitHubForbidden,
        GitHubNotFound,
        GitHubRejected,
    ):  # switched off, or the commits are not known there
        return await _from_database(client, packages)
    return _reviewed(packages, [row for row in rows if row["change_type"] == "added"])


async def fetch_published_flaws(client: RepositoryClient, packages: Sequence[Package]) -> AdvisoryAnswer:
    """What the advisory database knows of packages that are in no repository; raises `GitHubError`."""
    return await _from_database(client, packages)


def _reviewed(packages: Sequence[Package], rows: _Rows) -> AdvisoryAnswer:
    """The rows' flaws by our packages. A package that no row names was not judged: not every lock file is understood."""
    by_name: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_name[_plain(row["name"])].append(row)
    judged = {package: _rows_of(package, by_name[_plain(package.name)]) for package in packages}
    return AdvisoryAnswer(
        source=REVIEW,
        advisories=tuple(
            Advisory(
                package=package,
                id=flaw["advisory_ghsa_id"],
                severity=_SEVERITY.get(flaw["severity"], Severity.MEDIUM),
                summary=flaw["advisory_summary"],
            )
            for package, found in judged.items()
            for flaw in _each_once(flaw for row in found for flaw in row["vulnerabilities"])
        ),
        unchecked=tuple(package for package, found in judged.items() if not found),
    )


def _rows_of(package: Package, rows: _Rows) -> _Rows:
    """Rows of this package in this version; where a range was written the review names the version it takes."""
    return [
        row
        for row in rows
        if row["ecosystem"] == package.ecosystem and package.version in (None, _bare(row["version"]))
    ]


def _each_once(flaws: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """One of each advisory: a package may stand in several manifests."""
    return list({flaw["advisory_ghsa_id"]: flaw for flaw in flaws}.values())


async def _from_database(client: RepositoryClient, packages: Sequence[Package]) -> AdvisoryAnswer:
    advisories: list[Advisory] = []
    judged: set[Package] = set()
    for asked in list(_questions(packages))[:MAX_REQUESTS]:
        rows = await _fetch_rows(client, asked)
        found = [advisory for row in rows for package in asked for advisory in _database_flaw(row, package)]
        advisories += found
        # Of a full page nobody knows what the next one holds.
        judged |= set(asked) if len(rows) < PAGE else {advisory.package for advisory in found}
    return AdvisoryAnswer(
        source=DATABASE,
        advisories=tuple(advisories),
        unchecked=tuple(package for package in packages if package not in judged),
    )


def _questions(packages: Sequence[Package]) -> Iterator[list[Package]]:
    """Packages for one request each: of one ecosystem, and no name twice, since answers do not say for which version."""
    groups: defaultdict[tuple[str, int], dict[str, Package]] = defaultdict(dict)
    for package in packages:
        if package.version is None:
            continue
        turn = 0
        while (
            package.name in groups[package.ecosystem, turn]
            or len(groups[package.ecosystem, turn]) >= MAX_ASKED
        ):
            turn += 1
        groups[package.ecosystem, turn][package.name] = package
    return (list(group.values()) for group in groups.values() if group)


async def _fetch_rows(client: RepositoryClient, packages: Sequence[Package]) -> _Rows:
    ecosystem: Any = packages[0].ecosystem
    asked = client.rest.security_advisories.async_list_global_advisories(
        ecosystem=ecosystem,
        affects=",".join(f"{package.name}@{package.version}" for package in packages),
        per_page=PAGE,
    )
    rows: Any = await client.fetch(asked, to="look up advisories")
    return rows


def _database_flaw(row: Mapping[str, Any], package: Package) -> list[Advisory]:
    """The advisory if it is about this package; that its version is covered is what was asked for."""
    for flaw in row["vulnerabilities"] or ():
        about: Mapping[str, Any] = flaw["package"] or {}
        if about.get("ecosystem") == package.ecosystem and _plain(about.get("name") or "") == _plain(
            package.name
        ):
            return [
                Advisory(
                    package=package,
                    id=row["ghsa_id"],
                    severity=_SEVERITY.get(row["severity"], Severity.MEDIUM),
                    summary=row["summary"],
                    fixed_version=flaw["first_patched_version"],
                )
            ]
    return []


def _plain(name: str) -> str:
    """Names as registries compare them: `Py_YAML` is `py-yaml`, a Go module's `/` stays."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _bare(version: str) -> str:
    """The version without the operators that the review keeps from the manifest (`= 1.2`, `== 1.2`)."""
    return version.lstrip("=~^ ")
