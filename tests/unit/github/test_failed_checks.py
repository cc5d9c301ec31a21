"""The failed checks of others are read where the token may read them, and never stop a review."""

from app.domain.pull_request import CheckNote, FailedCheck
from app.github.failed_checks import read_failed_checks
from github_sandbox import Fault
from tests.unit.github.conftest import GitHubHarness

NOTE = {
    "path": "pay.py",
    "start_line": 2,
    "end_line": 3,
    "annotation_level": "warning",
    "message": "Two is loud.",
    "raw_details": "a log",
}
CHECK = FailedCheck(
    name="lint",
    title="lint failed",
    notes=(CheckNote(path="pay.py", line=2, level="warning", message="Two is loud."),),
)


async def failed(world: GitHubHarness) -> tuple[FailedCheck, ...]:
    return (await world.source().snapshot([])).failed_checks


async def test_failed_checks_of_other_apps_have_their_annotations_without_logs(world: GitHubHarness) -> None:
    pull = world.open_pull({"pay.py": "one\nTWO\nthree\n"})
    for conclusion in ("success", "neutral", "cancelled", "skipped"):
        world.repository.fail_check(pull.head_sha, conclusion, [NOTE], body={"conclusion": conclusion})
    world.repository.fail_check(pull.head_sha, "slow", body={"conclusion": "timed_out", "output": None})
    world.repository.fail_check(pull.base_sha, "on another commit", [NOTE])
    world.repository.fail_check(pull.head_sha, "quorum/docs", [NOTE])
    world.repository.create_check_run({"name": "own", "head_sha": pull.head_sha, "conclusion": "failure"})
    world.repository.fail_check(pull.head_sha, "lint", [NOTE])
    assert await failed(world) == (FailedCheck(name="slow"), CHECK)


async def test_without_failed_checks_there_is_no_further_request(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "one\nTWO\nthree\n"})
    assert await failed(world) == ()
    assert [request.operation for request in world.github.requests if request.operation] == ["Snapshot"]


async def test_a_token_that_may_not_read_checks_reviews_without_them(world: GitHubHarness) -> None:
    pull = world.open_pull({"pay.py": "one\nTWO\nthree\n"})
    world.repository.fail_check(pull.head_sha, "lint", [NOTE])
    installation = world.github.installation_on("octo/shop")
    assert installation
    installation.permissions.pop("checks")
    snapshot = await world.source().snapshot([])
    assert (snapshot.failed_checks, snapshot.notes) == ((), ())
    assert len(snapshot.diff.files) == 1


async def test_checks_are_named_even_if_their_annotations_cannot_be_read(world: GitHubHarness) -> None:
    pull = world.open_pull({"pay.py": "one\nTWO\nthree\n"})
    world.repository.fail_check(pull.head_sha, "lint", [NOTE])
    run = {"id": "CR_1", "name": "lint", "title": None}
    suites = {"nodes": [{"app": None, "checkRuns": {"nodes": [run]}}]}
    commit = {"oid": pull.head_sha, "checkSuites": suites}
    node = {"headRefOid": pull.head_sha, "commits": {"nodes": [{"commit": commit}]}}
    world.github.faults.inject(Fault.BAD_GATEWAY, path="/graphql$")
    assert await read_failed_checks(world.client, world.ref(), node) == (FailedCheck(name="lint"),)
    assert world.github.faults.left == 0
