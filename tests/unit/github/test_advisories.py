"""Known vulnerabilities of new packages come from the dependency review or the advisory database; unchecked packages are reported."""

from typing import Any

import pytest

from app.analyzers.analysis import analyze
from app.domain.analysis import Advisory, AdvisoryAnswer, ChangedFile, Package
from app.domain.finding import Severity
from app.errors import GitHubUnavailable
from app.github.reader import PullRequestSource
from github_sandbox import Fault
from tests.unit.github.conftest import GitHubHarness


def package(name: str = "jinja2", version: str | None = "3.1.3", ecosystem: str = "pip") -> Package:
    return Package(ecosystem=ecosystem, name=name, version=version, path="requirements.txt", line=1)


def change(name: str = "jinja2", version: str = "3.1.3", *flaws: str, kind: str = "added") -> dict[str, Any]:
    return {
        "change_type": kind,
        "manifest": "requirements.txt",
        "ecosystem": "pip",
        "name": name,
        "version": version,
        "package_url": None,
        "license": None,
        "source_repository_url": None,
        "scope": "runtime",
        "vulnerabilities": [
            {
                "severity": "moderate",
                "advisory_ghsa_id": flaw,
                "advisory_summary": "Sandbox breakout",
                "advisory_url": f"https://github.com/advisories/{flaw}",
            }
            for flaw in flaws
        ],
    }


def published(name: str = "jinja2", *, ecosystem: str = "pip") -> dict[str, Any]:
    at = "2024-05-06T14:20:59Z"
    return {
        "ghsa_id": "GHSA-h75v-3vvj-5mfj",
        "cve_id": None,
        "url": "https://api.github.com/advisories/GHSA-h75v-3vvj-5mfj",
        "html_url": "https://github.com/advisories/GHSA-h75v-3vvj-5mfj",
        "repository_advisory_url": None,
        "summary": "HTML attribute injection",
        "description": None,
        "type": "reviewed",
        "severity": "high",
        "source_code_location": None,
        "identifiers": None,
        "references": None,
        "published_at": at,
        "updated_at": at,
        "github_reviewed_at": None,
        "nvd_published_at": None,
        "withdrawn_at": None,
        "vulnerabilities": [
            {
                "package": {"ecosystem": ecosystem, "name": name},
                "vulnerable_version_range": "< 3.1.4",
                "first_patched_version": "3.1.4",
                "vulnerable_functions": None,
            }
        ],
        "cvss": None,
        "cwes": None,
        "credits": None,
    }


async def opened(world: GitHubHarness) -> PullRequestSource:
    world.open_pull({"requirements.txt": "jinja2==3.1.3\n"})
    source = world.source()
    await source.snapshot([])
    return source


async def test_the_dependency_review_reports_vulnerabilities_of_a_new_package(world: GitHubHarness) -> None:
    source = await opened(world)
    world.repository.dependency_changes = [
        change("Jinja2", "= 3.1.3", "GHSA-1111-2222-3333"),
        change("jinja2", "3.1.3", "GHSA-1111-2222-3333"),  # in a second manifest
        change("flask", "0.1", "GHSA-4444-5555-6666", kind="removed"),
    ]
    requests_before = len(world.requests())
    assert await source.look_up_advisories([package()]) == AdvisoryAnswer(
        source="GitHub's dependency review",
        advisories=(
            Advisory(
                package=package(),
                id="GHSA-1111-2222-3333",
                severity=Severity.MEDIUM,
                summary="Sandbox breakout",
            ),
        ),
    )
    assert len(world.requests()) == requests_before + 1


async def test_a_package_missing_from_the_review_is_unchecked(world: GitHubHarness) -> None:
    source = await opened(world)
    world.repository.dependency_changes = [change("jinja2", "3.1.4")]
    answer = await source.look_up_advisories([package(), package("left-pad", ecosystem="npm")])
    assert answer.advisories == ()
    assert [each.name for each in answer.unchecked] == ["jinja2", "left-pad"]


async def test_without_the_dependency_graph_the_advisory_database_answers(world: GitHubHarness) -> None:
    source = await opened(world)
    world.github.advisories.append(("jinja2@3.1.3", published()))
    answer = await source.look_up_advisories([package(), package("flask", "3.0.0"), package("six", None)])
    assert answer == AdvisoryAnswer(
        source="GitHub's advisory database",
        advisories=(
            Advisory(
                package=package(),
                id="GHSA-h75v-3vvj-5mfj",
                severity=Severity.HIGH,
                summary="HTML attribute injection",
                fixed_version="3.1.4",
            ),
        ),
        unchecked=(package("six", None),),
    )


async def test_two_versions_of_a_package_take_two_requests(world: GitHubHarness) -> None:
    source = await opened(world)
    world.github.advisories.append(("jinja2@3.1.3", published()))
    answer = await source.look_up_advisories([package(), package(version="3.1.6")])
    assert [advisory.package.version for advisory in answer.advisories] == ["3.1.3"]


async def test_packages_are_unchecked_after_a_full_page(world: GitHubHarness) -> None:
    source = await opened(world)
    world.github.advisories += [("jinja2@3.1.3", published())] * 100
    answer = await source.look_up_advisories([package(), package("flask", "3.0.0")])
    assert [each.name for each in answer.unchecked] == ["flask"]


async def test_a_failed_lookup_is_reported_and_stops_nothing(world: GitHubHarness) -> None:
    source = await opened(world)
    world.github.faults.inject(Fault.BAD_GATEWAY, method="GET", path="/dependency-graph/")
    with pytest.raises(GitHubUnavailable):
        await source.look_up_advisories([package()])
    world.github.faults.inject(Fault.BAD_GATEWAY, method="GET", path="/dependency-graph/")
    file = ChangedFile.whole("requirements.txt", "jinja2==3.1.3\n")
    analysis = await analyze([file], lookup_advisories=source.look_up_advisories)
    (note,) = analysis.notes
    assert "the advisory source did not respond" in note


async def test_a_known_vulnerability_becomes_a_finding_with_its_fix_and_source(world: GitHubHarness) -> None:
    source = await opened(world)
    world.github.advisories.append(("jinja2@3.1.3", published()))
    file = ChangedFile.whole("requirements.txt", "flask==3.0.0\njinja2==3.1.3\n")
    analysis = await analyze([file], lookup_advisories=source.look_up_advisories)
    (finding,) = analysis.findings
    assert (finding.rule_id, finding.start_line) == ("vulnerable-dependency", 2)
    assert "Fixed in 3.1.4." in finding.explanation
    assert "Checked 2 new packages against GitHub's advisory database." in analysis.notes


async def test_without_new_packages_there_is_no_lookup(world: GitHubHarness) -> None:
    source = await opened(world)
    requests_before = world.requests()
    await analyze([ChangedFile.whole("pay.py", "x = 1\n")], lookup_advisories=source.look_up_advisories)
    assert world.requests() == requests_before
