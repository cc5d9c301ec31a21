"""`quorum stats`: the outcomes of findings below the per-model table, and the learned order, as text and as JSON."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from typer.testing import CliRunner

from app.cli import cli
from app.store.database import Database
from app.store.review_tables import FindingRow
from tests.unit.dashboard.world import add, call_row, finding_row, review_row

NOW = datetime.now(UTC)


def finding(name: str, source: str, outcome: str, **changes: Any) -> FindingRow:
    row = finding_row(REVIEW, name, found_by=[source], confirmed_by=[], outcome=outcome)
    for field, value in changes.items():
        setattr(row, field, value)
    return row


REVIEW = review_row(at=NOW - timedelta(hours=1))


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four findings of two vendors: resolved, dismissed, open at the merge, and still open."""
    monkeypatch.setenv("QUORUM_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    database = Database(f"sqlite:///{tmp_path / 'quorum.db'}")
    add(
        database,
        review_row(at=NOW - timedelta(hours=1)),
        finding("a", "claude:opus", "resolved", reactions_up=2),
        finding("b", "claude:opus", "dismissed"),
        finding("c", "gpt:sol", "open", reason="still open when it was merged", decided_at=NOW),
        finding("d", "gpt:sol", "open", rule_id="dead-code"),
        call_row(REVIEW, "c1"),
        call_row(REVIEW, "c2", source="gpt:sol"),
    )
    database.close()


def run(*options: str) -> str:
    result = CliRunner().invoke(cli, ["stats", *options])
    assert result.exit_code == 0, result.output
    if "json" in options:
        return result.stdout
    *lines, place = result.stdout.splitlines()
    assert place.startswith("The App and `quorum review`: ")
    return "\n".join(line.rstrip() for line in lines)


@pytest.mark.usefixtures("recorded")
def test_the_outcomes_of_findings_are_below_the_models() -> None:
    assert run().partition("Findings")[2] == snapshot("""\
, last 7d
┏━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━┳━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━━┓
┃ by         ┃                  ┃ findings ┃ decided ┃ resolved ┃ dismissed ┃ silent ┃ thumbs ┃
┡━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━╇━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━━┩
│ provider   │ claude           │        2 │       2 │      50% │       50% │     0% │  +2 −0 │
│            │ gpt              │        2 │       1 │       0% │        0% │   100% │  +0 −0 │
├────────────┼──────────────────┼──────────┼─────────┼──────────┼───────────┼────────┼────────┤
│ model      │ claude:opus      │        2 │       2 │      50% │       50% │     0% │  +2 −0 │
│            │ gpt:sol          │        2 │       1 │       0% │        0% │   100% │  +0 −0 │
├────────────┼──────────────────┼──────────┼─────────┼──────────┼───────────┼────────┼────────┤
│ stage      │ review           │        4 │       3 │      33% │       33% │    33% │  +2 −0 │
├────────────┼──────────────────┼──────────┼─────────┼──────────┼───────────┼────────┼────────┤
│ rule       │ null-dereference │        3 │       3 │      33% │       33% │    33% │  +2 −0 │
│            │ dead-code        │        1 │       0 │        – │         – │      – │  +0 −0 │
├────────────┼──────────────────┼──────────┼─────────┼──────────┼───────────┼────────┼────────┤
│ repository │ octo/shop        │        4 │       3 │      33% │       33% │    33% │  +2 −0 │
└────────────┴──────────────────┴──────────┴─────────┴──────────┴───────────┴────────┴────────┘\
""")


@pytest.mark.usefixtures("recorded")
def test_the_learned_order_is_printed_with_its_credible_intervals() -> None:
    assert run("--routing") == snapshot("""\
Learned order, last 7d
┏━━━━━━━━┳━━━━━━━┳━━━━━━━━━━┳━━━━━━━┳━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━┳━━━━━━━━━━━━┓
┃ stage  ┃ place ┃ provider ┃ calls ┃       answered ┃ findings judged ┃         held ┃ held alone ┃  average ┃ USD a call ┃
┡━━━━━━━━╇━━━━━━━╇━━━━━━━━━━╇━━━━━━━╇━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━╇━━━━━━━━━━━━┩
│ review │     1 │ claude   │     1 │ 100% (16%–99%) │               2 │ 50% (9%–91%) │          1 │ 1,000 ms │     0.0100 │
│ review │     2 │ gpt      │     1 │ 100% (16%–99%) │               0 │            – │          0 │ 1,000 ms │     0.0100 │
└────────┴───────┴──────────┴───────┴────────────────┴─────────────────┴──────────────┴────────────┴──────────┴────────────┘\
""")


@pytest.mark.usefixtures("recorded")
def test_the_json_has_every_rate_by_every_dimension_and_the_order() -> None:
    value = json.loads(run("--format", "json", "--routing"))
    assert set(value) == {"since", "models", "outcomes", "fixes", "routing"}
    assert set(value["outcomes"]) == {"provider", "model", "stage", "rule", "repository"}
    claude, gpt = value["outcomes"]["provider"]
    assert (claude["name"], claude["decided"], claude["resolution_rate"], claude["dismissal_rate"]) == (
        "claude",
        2,
        0.5,
        0.5,
    )
    assert (gpt["name"], gpt["findings"], gpt["decided"], gpt["silence_rate"]) == ("gpt", 2, 1, 1.0)
    assert [line["name"] for line in value["outcomes"]["model"]] == ["claude:opus", "gpt:sol"]
    assert {line["provider"]: line["place"] for line in value["routing"]} == {"claude": 1, "gpt": 2}
