"""Findings in GitHub's code scanning, if operator and owner allow it: valid, once per head, and never a false all-clear."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from github_sandbox import Fault, Pull
from github_sandbox.git import FileContent
from tests.scenarios.conftest import Open
from tests.scenarios.reading import take_checks, take_review, take_summary
from tests.scenarios.vendors import finding
from tests.scenarios.world import World

SCHEMA = Path(__file__).parents[1] / "data" / "sarif" / "sarif-schema-2.1.0.json"
PAY: dict[str, FileContent] = {"pay.py": "def pay(cart, rate):\n    return cart.total / rate\n"}
DIVISION = finding(
    "pay.py",
    "    return cart.total / rate",
    line=2,
    title="A rate of 0 ends in a ZeroDivisionError",
    rule_id="division-by-zero",
)
ON: dict[str, Any] = {"quorum_code_scanning": True}


def accept(world: World) -> None:
    """The owner grants the permission that the App was not registered with."""
    for installation in world.github.installations.values():
        world.github.accept_permissions(installation, {"security_events": "write"})


def take_all(pull: Pull) -> None:
    """Take everything else that the review posted."""
    take_review(pull)
    take_summary(pull)
    take_checks(pull)


def take_uploads(pull: Pull) -> list[dict[str, Any]]:
    """Each upload with its report unpacked, oldest first."""
    return [item.target for item in pull.take_all("sarif")]


def notes(world: World) -> str:
    return "\n".join(note for review in world.reviews() for note in review.notes)


async def test_findings_appear_in_code_scanning(opened: Open) -> None:
    async with opened(**ON) as world:
        accept(world)
        world.vendors.claude.finds(DIVISION)
        pull = world.open_pull(PAY)
        await world.settle()
        take_all(pull)
        (upload,) = take_uploads(pull)
        assert "Code scanning" not in notes(world)
    assert (upload["commit_sha"], upload["ref"]) == (pull.head_sha, "refs/pull/1/head")
    errors: Any = Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(upload["sarif"])  # pyright: ignore[reportUnknownMemberType]
    assert list(errors) == []
    (run,) = upload["sarif"]["runs"]
    assert run["automationDetails"]["id"] == "quorum/"
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], result["level"]) == ("division-by-zero", "error")
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("pay.py", 2)


async def test_a_push_that_leaves_a_finding_does_not_close_its_alert(opened: Open) -> None:
    """Only the new hunks are reviewed; GitHub would close an alert that is missing from the report as fixed."""
    async with opened(**ON) as world:
        accept(world)
        world.vendors.claude.finds(DIVISION)
        pull = world.open_pull(PAY)
        await world.settle()
        take_all(pull)
        world.vendors.claude.finds()
        pull.push({"more.py": "ONE = 1\n"})
        await world.settle()
        take_summary(pull)
        take_checks(pull)
        first, second = take_uploads(pull)
    assert second["commit_sha"] == pull.head_sha != first["commit_sha"]
    fingerprints = [
        [result["partialFingerprints"] for result in upload["sarif"]["runs"][0]["results"]]
        for upload in (first, second)
    ]
    assert fingerprints[0] == fingerprints[1] != []


async def test_without_the_permission_the_review_is_complete_and_names_it(opened: Open) -> None:
    async with opened(**ON) as world:
        pull = world.open_pull(PAY)
        await world.settle()
        take_all(pull)
        assert take_uploads(pull) == []
        assert world.reviews()[0].status == "completed"
        assert "No report was uploaded to code scanning: The installation does not grant" in notes(world)


async def test_with_code_scanning_disabled_the_review_is_complete_and_says_so(opened: Open) -> None:
    async with opened(**ON) as world:
        accept(world)
        world.repository.code_scanning = False
        pull = world.open_pull(PAY)
        await world.settle()
        take_all(pull)
        assert take_uploads(pull) == []
        assert "No report was uploaded to code scanning" in notes(world)


async def test_a_stage_that_failed_uploads_nothing(opened: Open) -> None:
    async with opened(**ON) as world:
        accept(world)
        for vendor in world.vendors:
            vendor.is_down()
        pull = world.open_pull(PAY)
        await world.settle()
        take_all(pull)
        assert take_uploads(pull) == []
        assert "GitHub would close its alerts as fixed" in notes(world)


async def test_an_outage_of_code_scanning_does_not_fail_the_review(opened: Open) -> None:
    async with opened(**ON) as world:
        accept(world)
        world.github.faults.inject(Fault.DONE_THEN_NO_ANSWER, method="POST", path="/code-scanning/sarifs$")
        pull = world.open_pull(PAY)
        await world.settle()
        take_all(pull)
        assert len(take_uploads(pull)) == 1
        assert "No report was uploaded to code scanning" in notes(world)


async def test_a_shadow_review_uploads_nothing(opened: Open) -> None:
    async with opened(config="publish: shadow\n", **ON) as world:
        accept(world)
        world.vendors.claude.finds(DIVISION)
        pull = world.open_pull(PAY)
        await world.settle()
        take_checks(pull)
        assert take_uploads(pull) == []
