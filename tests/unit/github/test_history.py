"""The history of code on GitHub: date and subject of the commits behind some lines or a file, and no names."""

import pytest

from app.domain.lookup import CodeLookup, LookupKind, Unavailable
from app.domain.lookup_answer import LookupAnswer
from app.domain.pull_request import PastCommit
from app.gather.lookups import Lookups
from app.github.history import MAX_QUERIES
from github_sandbox import Fault, Pull
from tests.unit.github.conftest import GitHubHarness


def commits(*subjects: str) -> list[PastCommit]:
    return [PastCommit(date="2027-01-15", subject=subject) for subject in subjects]


def change(world: GitHubHarness) -> Pull:
    pull = world.open_pull({"pay.py": "one\nTWO\nthree\n"}, message="Write two loudly", author="mia")
    pull.push(
        {"pay.py": "one\nTWO\nthree\nfour\n"}, message="Add a line\n\nSigned-off-by: Mia <mia@example.com>"
    )
    return pull


async def look(world: GitHubHarness, *lookups: CodeLookup) -> list[LookupAnswer]:
    source = world.source(git=world.git())
    await source.snapshot([])
    tree = source.tree()
    assert tree is not None
    return list(await Lookups(tree).answer(lookups))


def history(path: str = "pay.py", start: int | None = None, end: int | None = None) -> CodeLookup:
    return CodeLookup(kind=LookupKind.HISTORY, path=path, start_line=start, end_line=end)


async def test_the_history_of_lines_names_the_commits_that_they_are_from(world: GitHubHarness) -> None:
    change(world)
    asked = [history(start=4), history(start=2, end=2), history(start=1, end=1), history()]
    fourth, second, first, whole = await look(world, *asked)
    assert [each.partition(" ")[2] for each in fourth.history] == ["Add a line"]
    assert [each.partition(" ")[2] for each in second.history] == ["Write two loudly"]
    assert [each.partition(" ")[2] for each in first.history] == ["Initial commit"]
    assert [each.partition(" ")[2] for each in whole.history] == [
        "Add a line",
        "Write two loudly",
        "Initial commit",
    ]
    assert not any(
        "mia" in row.lower() for answer in (fourth, second, first, whole) for row in answer.history
    )
    operations = [request.operation for request in world.github.requests if request.operation]
    assert sorted(operations) == ["Blame", "Blame", "Blame", "History", "Snapshot"]


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (history("nowhere.py"), Unavailable.NO_FILE),
        (history("../pay.py", 1), Unavailable.OUTSIDE),
        (history(".git/config"), Unavailable.OUTSIDE),
        (history(start=400, end=500), Unavailable.NO_HISTORY),
    ],
)
async def test_what_has_no_history_has_a_reason(
    world: GitHubHarness, wanted: CodeLookup, why: Unavailable
) -> None:
    change(world)
    [answer] = await look(world, wanted)
    assert answer.unavailable is why


async def test_the_history_is_not_available_if_github_does_not_answer(world: GitHubHarness) -> None:
    change(world)
    source = world.source(git=world.git())
    await source.snapshot([])
    tree = source.tree()
    assert tree is not None
    world.github.faults.inject(Fault.BAD_GATEWAY, path="/graphql$")
    [answer] = await Lookups(tree).answer([history(start=1)])
    assert answer.unavailable is Unavailable.NO_HISTORY
    assert world.github.faults.left == 0


async def test_a_review_queries_the_history_a_limited_number_of_times(world: GitHubHarness) -> None:
    change(world)
    source = world.source(git=world.git())
    await source.snapshot([])
    tree = source.tree()
    assert tree is not None
    found = [await tree.history("pay.py", None) for _ in range(MAX_QUERIES + 1)]
    assert found[-1] is None
    assert None not in found[:-1]
