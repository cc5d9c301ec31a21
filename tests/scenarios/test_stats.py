"""The table of statistics per model, from stored reviews: as a page and as the command prints it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from tests.scenarios.world import DASHBOARD_TOKEN, World

AUTHORISED = {"authorization": f"Bearer {DASHBOARD_TOKEN}"}
COLUMNS = {
    "calls",
    "success_rate",
    "average_ms",
    "p50_ms",
    "p95_ms",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "cost_usd",
}


async def reviewed(world: World) -> None:
    """One review in which GPT replaced Claude."""
    world.vendors.claude.rejects_its_key()
    pull = world.open_pull({"pay.py": "def pay(cart):\n    return cart.total\n"})
    await world.settle()
    pull.take_all()


async def test_every_model_has_a_row_with_all_figures(world: World) -> None:
    await reviewed(world)
    answer = await world.client.get("/api/stats?since=7d", headers=AUTHORISED)
    table = {row["provider"]: row for row in answer.json()["models"]}
    assert set(table) == {"claude", "gpt", "gemini"}
    assert all(set(row) >= COLUMNS for row in table.values())
    assert (table["claude"]["calls"], table["claude"]["success_rate"]) == (1, 0.0)
    assert (table["gpt"]["calls"], table["gpt"]["success_rate"]) == (2, 1.0)
    assert table["gpt"]["input_tokens"] > 0
    assert table["gpt"]["cost_usd"] > 0
    assert table["gpt"]["p50_ms"] <= table["gpt"]["p95_ms"]


async def test_the_command_prints_the_figures_of_the_page(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reviewed(world)
    page = (await world.client.get("/api/stats?since=7d", headers=AUTHORISED)).json()
    monkeypatch.setenv("QUORUM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    printed = CliRunner().invoke(cli, ["stats", "--format", "json"])
    assert printed.exit_code == 0
    assert json.loads(printed.stdout) == page
    table = CliRunner().invoke(cli, ["stats"]).stdout
    for name in ("claude", "gpt", "gemini", "calls", "success", "p95", "cost"):
        assert name in table


async def test_an_invalid_span_is_reported(world: World) -> None:
    answer = await world.client.get("/api/stats?since=yesterday", headers=AUTHORISED)
    assert answer.status_code == 400
    assert "yesterday" in answer.text


def test_without_any_call_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORUM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    printed = CliRunner().invoke(cli, ["stats"])
    assert printed.exit_code == 0
    assert printed.stdout == f"No model was called in the last 7d. Looked in {tmp_path}/data/quorum.db.\n"
