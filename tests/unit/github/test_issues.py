"""The issues of a pull request: those that it closes, those that it names, and none that the App may not read."""

import pytest

from app.domain.pull_request import PullRequestRef
from app.github.issues import named_numbers
from tests.unit.github.conftest import GitHubHarness

REF = PullRequestRef(owner="octo", repo="shop", number=7)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Fixes #12 and (#13), see #12", [12, 13]),
        ("#7 is itself; octo/other#9, a#5, &#39; and ##4 are not issues of this repository", []),
        ("#0 #01 #1234567890 #", []),
        (" ".join(f"#{n}" for n in range(20, 40)), [20, 21, 22, 23, 24]),
    ],
)
def test_issues_are_named_as_on_github(text: str, numbers: list[int]) -> None:
    assert named_numbers(REF, text) == numbers


async def test_closed_issues_come_first_and_other_numbers_are_read_if_they_are_issues(
    world: GitHubHarness,
) -> None:
    for title in ("Average", "Rounding"):
        world.repository.open_issue(title, f"About {title}.")
    world.open_pull({"pay.py": "one\nTWO\nthree\n"}, title="Average for #2", body="Fixes #1, like #99")
    snapshot = await world.source(3).snapshot([])
    assert [(each.number, each.body, each.closes) for each in snapshot.issues] == [
        (1, "About Average.", True),
        (2, "About Rounding.", False),
    ]


async def test_without_permission_the_review_goes_on_and_says_so_once(world: GitHubHarness) -> None:
    installation = world.github.installation_on("octo/shop")
    assert installation
    installation.permissions.pop("issues")
    world.repository.open_issue("Average", "About averages.")
    world.open_pull({"pay.py": "one\nTWO\nthree\n"}, body="Fixes #1, like #99")
    snapshot = await world.source(2).snapshot([])
    assert snapshot.issues == ()
    assert [note for note in snapshot.notes if "`issues: read`" in note] == list(snapshot.notes)
    assert len(snapshot.notes) == 1
    assert [request.operation for request in world.github.requests if request.operation] == ["Snapshot"]
