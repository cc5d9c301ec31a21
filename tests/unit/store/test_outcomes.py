"""What became of findings, counted by the database as by hand, on both engines."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.store.database import Database
from app.store.findings import FindingOutcome
from app.store.outcomes import OutcomeDimension, OutcomeRate, load_outcomes
from app.store.review_tables import FindingRow, ReviewRow

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def found(fingerprint: str, *, review: int = 1, **given: Any) -> FindingRow:
    fields: dict[str, Any] = {
        "id": f"{review}:{fingerprint}:{given.get('pull_request', 3)}",
        "review_id": f"r{review}",
        "installation_id": 7,
        "repository": "octo/shop",
        "pull_request": 3,
        "fingerprint": fingerprint,
        "stage": "review",
        "severity": "high",
        "path": "cart.py",
        "line": 1,
        "start_line": 1,
        "side": "RIGHT",
        "found_by": ["claude:opus"],
        "placement": "inline",
        "outcome": FindingOutcome.OPEN,
        "rule_id": "null-dereference",
        "title": "t",
        "explanation": "e",
        "created_at": START + timedelta(hours=review),
    }
    return FindingRow(**{**fields, **given})


@pytest.fixture
def store(any_database: Database) -> Database:
    with any_database.write() as session:
        session.add_all(
            ReviewRow(
                id=f"r{number}",
                installation_id=7,
                repository="octo/shop",
                pull_request=3,
                trigger="opened",
                status="completed",
                created_at=START,
            )
            for number in range(4)
        )
    return any_database


def keep(database: Database, *rows: FindingRow) -> None:
    with database.write() as session:
        session.add_all(rows)


def counted(database: Database, by: OutcomeDimension, **where: Any) -> dict[str, tuple[int, ...]]:
    lines = load_outcomes(database, START, **where)[by]
    return {line.name: (line.findings, line.resolved, line.dismissed, line.silent) for line in lines}


def test_a_finding_counts_for_each_finder_and_once_per_vendor(store: Database) -> None:
    keep(
        store,
        found("a", found_by=["claude:opus", "claude:haiku", "gpt:sol"], outcome="resolved"),
        found("b", stage="security", rule_id="injection", outcome="dismissed", found_by=["gpt:sol"]),
        found("c", repository="octo/site", pull_request=1, outcome=None),
    )
    assert counted(store, OutcomeDimension.PROVIDER) == {"claude": (2, 1, 0, 0), "gpt": (2, 1, 1, 0)}
    assert counted(store, OutcomeDimension.MODEL) == {
        "claude:opus": (2, 1, 0, 0),
        "gpt:sol": (2, 1, 1, 0),
        "claude:haiku": (1, 1, 0, 0),
    }
    assert counted(store, OutcomeDimension.STAGE) == {"review": (2, 1, 0, 0), "security": (1, 0, 1, 0)}
    assert counted(store, OutcomeDimension.RULE) == {
        "null-dereference": (2, 1, 0, 0),
        "injection": (1, 0, 1, 0),
    }
    assert counted(store, OutcomeDimension.REPOSITORY) == {
        "octo/shop": (2, 1, 1, 0),
        "octo/site": (1, 0, 0, 0),
    }
    assert counted(store, OutcomeDimension.RULE, repository="octo/site") == {"null-dereference": (1, 0, 0, 0)}


def test_a_finding_of_several_reviews_counts_as_most_recently_shown(store: Database) -> None:
    keep(
        store,
        found("a", review=1, outcome="open", found_by=["claude:opus"]),
        found("a", review=2, outcome="resolved", found_by=["gpt:sol"], reactions_up=2, reactions_down=1),
        found("a", review=3, outcome="dismissed", found_by=["gemini:flash"], shown=False),
        found("a", review=0, pull_request=4, outcome="dismissed", found_by=["gpt:sol"]),
        found("old", review=1, created_at=START - timedelta(days=1)),
        found("unseen", review=3, shown=False),
    )
    assert load_outcomes(store, START)[OutcomeDimension.MODEL] == [
        OutcomeRate(name="gpt:sol", findings=2, resolved=1, dismissed=1, silent=0, thumbs_up=2, thumbs_down=1)
    ]


def test_only_one_of_two_rows_with_the_same_timestamp_counts(store: Database) -> None:
    at = START + timedelta(hours=5)
    keep(
        store,
        found("a", review=1, outcome="open", created_at=at),
        found("a", review=2, outcome="resolved", created_at=at),
    )
    assert counted(store, OutcomeDimension.STAGE) == {"review": (1, 1, 0, 0)}


@pytest.mark.parametrize(
    ("given", "silent"),
    [
        ({}, 1),
        ({"outcome": "outdated"}, 1),
        ({"reactions_up": 1}, 0),
        ({"reactions_down": 1}, 0),
        ({"decided_at": None}, 0),
        ({"reason": "the author says so"}, 0),
        ({"reason": None}, 0),
        ({"outcome": "resolved"}, 0),
    ],
)
def test_a_finding_open_at_the_end_without_reactions_counts_as_silent(
    store: Database, given: dict[str, Any], silent: int
) -> None:
    ended: dict[str, Any] = {"reason": "still open at the merge", "decided_at": START + timedelta(days=1)}
    keep(store, found("a", **(ended | given)))
    [line] = load_outcomes(store, START)[OutcomeDimension.STAGE]
    assert line.silent == silent


def test_without_findings_there_are_no_lines(store: Database) -> None:
    assert load_outcomes(store, START) == {by: [] for by in OutcomeDimension}
