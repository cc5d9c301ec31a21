"""Each key of `.github/quorum.yml` and what it changes for people, compared with the same pull request without the key.

They all run in one App: every key has its own repository, with the same change.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlmodel import select

from app.gather.configuration import ConfigurationFile
from app.store.call_tables import ModelCallRow
from app.store.review_tables import ReviewRow
from github_sandbox import Pull
from tests.fakes.vendor_wire import VendorRequest
from tests.scenarios.reading import own_comments
from tests.scenarios.vendors import BUG, Reviewers
from tests.scenarios.world import World, open_shop

WORTH = 6  # worth a comment in most profiles, but not in a quiet one
PIRATE = "like a pirate who has read the manual"
INDENT = "Indent with three spaces, whatever anybody says."
LONG = "".join(f"- Rule {n:02}: {'name things well ' * 2}\n" for n in range(40))
REVERSIBLE = "Every average must be reversible."
PLAIN, DRAFT = "plain", "draft"


@dataclass(kw_only=True)
class Seen:
    """The results of a pull request."""

    pull: Pull
    comments: list[str]
    prompts: list[VendorRequest]
    calls: list[ModelCallRow]
    reviews: list[ReviewRow]

    @property
    def checks(self) -> dict[str, str | None]:
        """Name → conclusion, on the first commit."""
        first = self.pull.commits()[0]
        runs = [run for run in self.pull.repository.check_runs.values() if run.head_sha == first]
        return {run.name.removeprefix("quorum/"): run.conclusion for run in runs}

    @property
    def summary(self) -> str:
        """The comment in the conversation; empty if there is none."""
        return self.pull.issue_comments[0].body if self.pull.issue_comments else ""

    @property
    def left_out(self) -> str | None:
        """Why the first review was skipped."""
        return self.reviews[0].error

    def requests_for(self, task: str) -> str:
        """Everything that models were told for a task."""
        return "\n".join(request.text for request in self.prompts if f"# Task: {task}" in request.text)


Effect = Callable[[Seen, Seen], None]


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key's value and its effect: `effect` gets the results with the key and without it."""

    config: str
    effect: Effect
    draft: bool = False


KEYS: dict[str, Key] = {}


def effect(config: str, *, draft: bool = False) -> Callable[[Effect], Effect]:
    """Register the test of the key with which the function's name starts."""

    def register(of: Effect) -> Effect:
        name = config.partition(":")[0]
        assert name not in KEYS
        KEYS[name] = Key(config=config, effect=of, draft=draft)
        return of

    return register


@effect("enabled: false")
def _(keyed: Seen, plain: Seen) -> None:
    assert plain.checks
    assert keyed.left_out == "the configuration says `enabled: false`"
    assert (keyed.checks, keyed.calls, keyed.summary) == ({}, [], "")


@effect("stages: [review]")
def _(keyed: Seen, plain: Seen) -> None:
    assert set(plain.checks) == {"review", "security", "docs"}
    assert set(keyed.checks) == {"review"}


@effect("providers: [gpt]")
def _(keyed: Seen, plain: Seen) -> None:
    assert {call.provider for call in plain.calls} == {"claude", "gpt", "gemini"}
    assert {call.provider for call in keyed.calls} == {"gpt"}


@effect("pipeline: sequential")
def _(keyed: Seen, plain: Seen) -> None:
    handed_over = "Found by the stages before yours"
    assert handed_over not in plain.requests_for("documentation")
    assert handed_over in keyed.requests_for("documentation")
    assert handed_over not in keyed.requests_for("security")


@effect("routing: learned")
def _(keyed: Seen, plain: Seen) -> None:
    assert not any("learned" in (call.reason or "") for call in plain.calls)
    assert any("learned order for review" in (call.reason or "") for call in keyed.calls)


@effect("quorum: 1")
def _(keyed: Seen, plain: Seen) -> None:
    assert "verify" in {call.stage for call in plain.calls}
    assert "verify" not in {call.stage for call in keyed.calls}
    assert len(keyed.comments) == 1


@effect("publish: shadow")
def _(keyed: Seen, plain: Seen) -> None:
    assert plain.pull.reviews
    assert (keyed.pull.reviews, keyed.pull.issue_comments, keyed.comments) == ([], [], [])
    assert keyed.checks == plain.checks


@effect("profile: quiet")
def _(keyed: Seen, plain: Seen) -> None:
    assert len(plain.comments) == 1
    assert keyed.comments == []
    assert "An empty cart crashes" in keyed.summary


@effect("gate: high")
def _(keyed: Seen, plain: Seen) -> None:
    assert plain.checks["review"] == "neutral"
    assert keyed.checks["review"] == "failure"
    assert keyed.checks["security"] == "success"


@effect("min_severity: critical")
def _(keyed: Seen, plain: Seen) -> None:
    assert "finding" in plain.summary
    assert "no problems found" in keyed.summary
    assert "Below the configured minimum severity" in keyed.summary


@effect("max_inline: 0")
def _(keyed: Seen, plain: Seen) -> None:
    assert len(plain.comments) == 1
    assert keyed.comments == []
    assert "finding" in keyed.summary


@effect("overrides: [{paths: ['*.py'], gate: high, profile: quiet}]")
def _(keyed: Seen, plain: Seen) -> None:
    assert plain.checks["review"] == "neutral"
    assert keyed.checks["review"] == "failure"
    assert len(plain.comments) == 1
    assert keyed.comments == []


@effect("language: German")
def _(keyed: Seen, plain: Seen) -> None:
    assert "German" not in plain.requests_for("correctness")
    assert "German" in keyed.requests_for("correctness")
    assert "German" in keyed.requests_for("documentation")


@effect(f"tone: {PIRATE}")
def _(keyed: Seen, plain: Seen) -> None:
    assert PIRATE not in plain.requests_for("correctness")
    assert PIRATE in keyed.requests_for("correctness")


@effect("ignore_paths: ['*.txt']")
def _(keyed: Seen, plain: Seen) -> None:
    assert "notes.txt" in plain.requests_for("correctness")
    assert "notes.txt" not in keyed.requests_for("correctness")
    assert "notes.txt" in keyed.summary  # left out, and reported


@effect(f"path_instructions: [{{path: '*.py', instructions: '{REVERSIBLE}'}}]")
def _(keyed: Seen, plain: Seen) -> None:
    assert REVERSIBLE not in plain.requests_for("correctness")
    assert REVERSIBLE in keyed.requests_for("correctness")


@effect("ignore_authors: [Carol]")
def _(keyed: Seen, plain: Seen) -> None:
    assert (keyed.left_out, keyed.calls) == ("its author is in `ignore_authors`", [])


@effect("ignore_labels: [wip]")
def _(keyed: Seen, plain: Seen) -> None:
    assert (keyed.left_out, keyed.calls) == ("one of its labels is in `ignore_labels`", [])


@effect("ignore_branches: ['experiment/*']")
def _(keyed: Seen, plain: Seen) -> None:
    assert (keyed.left_out, keyed.calls) == ("its branch matches `ignore_branches`", [])


@effect("ignore_titles: ['do not review']")
def _(keyed: Seen, plain: Seen) -> None:
    assert (keyed.left_out, keyed.calls) == ("its title contains words from `ignore_titles`", [])


@effect("drafts: true", draft=True)
def _(keyed: Seen, plain: Seen) -> None:
    assert (plain.left_out, plain.calls) == ("it is a draft", [])
    assert len(keyed.comments) == 1


@effect("review_on_push: false")
def _(keyed: Seen, plain: Seen) -> None:
    assert [row.status for row in plain.reviews] == ["completed", "completed"]
    assert [row.status for row in keyed.reviews] == ["completed", "cancelled"]


@effect("guidelines: [STYLE.md]")
def _(keyed: Seen, plain: Seen) -> None:
    assert INDENT not in plain.requests_for("correctness")
    assert INDENT in keyed.requests_for("correctness")


@effect("guideline_characters: 500\nguidelines: [LONG.md]")
def _(keyed: Seen, plain: Seen) -> None:
    assert "Guideline cut" not in plain.summary
    assert "Guideline cut: LONG.md at line 11 of 40;" in keyed.summary
    assert "Rule 09:" in keyed.requests_for("correctness")
    assert "Rule 10:" not in keyed.requests_for("correctness")


@effect("docs_format: html")
def _(keyed: Seen, plain: Seen) -> None:
    assert "API documentation as Markdown" in plain.requests_for("documentation")
    assert "API documentation as plain HTML" in keyed.requests_for("documentation")


@effect("finders: 2")
def _(keyed: Seen, plain: Seen) -> None:
    def readers(seen: Seen) -> int:
        return len({call.provider for call in seen.calls if call.stage == "review"})

    assert (readers(plain), readers(keyed)) == (1, 2)


@effect("fixes: off")
def _(keyed: Seen, plain: Seen) -> None:
    assert "Reply with `/fix`, " in plain.pull.threads[0].root.body
    assert "/fix" not in keyed.pull.threads[0].root.body


@effect("budget: {review_usd: 0.000001}")
def _(keyed: Seen, plain: Seen) -> None:
    assert "over_budget" not in {call.outcome for call in plain.calls}
    assert {call.outcome for call in keyed.calls} == {"over_budget"}
    assert set(keyed.checks.values()) == {"neutral"}
    assert {run.title for run in keyed.pull.repository.check_runs.values()} == {"Not reviewed"}
    summaries = [run.summary or "" for run in keyed.pull.repository.check_runs.values()]
    assert all("budget" in each for each in summaries), summaries


@dataclass
class _Watched:
    """The pull requests while the App runs."""

    world: World
    pulls: dict[str, Pull] = field(default_factory=dict[str, Pull])

    def open(self, key: str, config: str, *, draft: bool) -> None:
        files = {"README.md": "A shop.\n", "STYLE.md": f"{INDENT}\n", "LONG.md": LONG}
        name = f"{key.replace('_', '-')}-team/shop"
        repository = self.world.create_repository(
            files | ({".github/quorum.yml": f"{config}\n"} if config else {}), name
        )
        self.pulls[key] = repository.open_pull(
            {
                f"{key}_cart.py": f"def average(prices):\n    {BUG}\n    return total\n",
                f"{key}_notes.txt": "Soon.\n",
            },
            title="An average (do not review)",
            author="carol",
            branch="experiment/average",
            labels=["wip"],
            draft=draft,
        )

    def seen(self, key: str) -> Seen:
        pull = self.pulls[key]
        with self.world.database.read() as session:
            calls = session.exec(
                select(ModelCallRow).where(ModelCallRow.repository == pull.repository.full_name)
            ).all()
        reviews = [row for row in self.world.reviews() if row.repository == pull.repository.full_name]
        return Seen(
            pull=pull,
            comments=own_comments(pull),
            prompts=[
                request for request in self.world.vendors.fake.requests if f"{key}_cart.py" in request.text
            ],
            calls=list(calls),
            reviews=reviews,
        )


async def _live(folder: Path) -> dict[str, Seen]:
    async with open_shop(folder) as world:
        Reviewers(world.vendors).worth = WORTH
        watched = _Watched(world)
        watched.open(PLAIN, "", draft=False)
        watched.open(DRAFT, "", draft=True)
        for key, each in KEYS.items():
            watched.open(key, each.config, draft=each.draft)
        await world.settle()
        for key in (PLAIN, "review_on_push"):
            watched.pulls[key].push({"later.py": "x = 1\n"})
        await world.settle()
        return {key: watched.seen(key) for key in watched.pulls}


@pytest.mark.slow
async def test_every_key_changes_what_people_see(tmp_path: Path, subtests: pytest.Subtests) -> None:
    lived = await _live(tmp_path)
    for name, key in KEYS.items():
        with subtests.test(key=name):
            key.effect(lived[name], lived[DRAFT if key.draft else PLAIN])


def test_every_key_has_a_test_of_its_effect() -> None:
    assert set(KEYS) == set(ConfigurationFile.model_fields)
