"""Claims on the pages: every figure names the benchmark that prints it, and every benchmark and path that a page names exists."""

import importlib.util
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from app.domain.model_call import Provider, Usage
from app.llm.costs import Prices
from app.settings import Settings
from scripts.structure import duplicate_classes, load_modules
from tests.unit.repository.files import ROOT, read, tracked

PAGES = [path for path in tracked() if path.endswith(".md") and not path.startswith(("tests/", "prompts/"))]
_ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)
_TOKENS = re.compile(r"([\d,]+) \+ ([\d,]+)(?: by `([\w.-]+)`)?")
_PROGRAM = re.compile(r"\b(benchmarks\.\w+)")
_PLACE = re.compile(
    r"`((?:app|webhooks|tests|benchmarks|github_sandbox|prompts|evals|scripts|docs)/[\w./-]*)`"
)


def rows_of(text: str) -> list[list[str]]:
    """The rows of a table, without its header."""
    return [[cell.strip() for cell in row.split("|")] for row in _ROW.findall(text)][2:]


def test_every_figure_names_the_benchmark_that_prints_it() -> None:
    rows = rows_of(read("docs/operations.md").partition("## Figures\n")[2].partition("\n## ")[0])
    assert len(rows) > 8
    for figure, measured, *_, printed_by in rows:
        assert measured, figure
        assert re.fullmatch(r"`benchmarks\.\w+`", printed_by), figure


def test_the_examples_of_costs_follow_from_their_tokens_and_the_prices() -> None:
    prices, at = Prices(), datetime(2026, 12, 1, tzinfo=UTC)
    rows = rows_of(read("docs/costs.md"))
    assert len(rows) == 5
    for _, _, *vendors, stated_usd in rows:
        cost_usd = 0.0
        for provider, cell in zip((Provider.CLAUDE, Provider.GPT, Provider.GEMINI), vendors, strict=True):
            sent, received, model = _TOKENS.fullmatch(cell).groups()  # type: ignore[union-attr]
            model = model or Settings.model_fields[f"quorum_{provider}_model"].default
            usage = Usage(
                input_tokens=int(sent.replace(",", "")), output_tokens=int(received.replace(",", ""))
            )
            cost_usd += prices.cost_usd(provider, model, usage, at=at) or 0.0
        assert stated_usd == f"{cost_usd:.3f}"


@pytest.mark.parametrize("path", PAGES)
def test_every_benchmark_that_a_page_names_exists(path: str) -> None:
    named = set(_PROGRAM.findall(read(path)))
    assert not [name for name in named if importlib.util.find_spec(name) is None]


@pytest.mark.parametrize("path", PAGES)
def test_every_path_that_a_page_names_exists(path: str) -> None:
    named = set(_PLACE.findall(read(path)))
    assert not [place for place in named if not (ROOT / place).exists()]


def test_every_word_of_the_glossary_has_a_place_and_one_definition() -> None:
    rows = rows_of(read("docs/glossary.md"))
    words = [word.strip() for row in rows for word in row[0].split(",")]
    assert len(words) > 30
    assert len(words) == len(set(words))
    assert all(len(row) == 3 and all(row) for row in rows)


def test_no_class_name_is_defined_twice() -> None:
    assert duplicate_classes(load_modules(ROOT)) == {}


@pytest.mark.slow
def test_the_structure_script_prints_its_figures() -> None:
    printed = subprocess.run(
        [sys.executable, ROOT / "scripts" / "structure.py"], capture_output=True, text=True, check=True
    ).stdout
    assert "lines of a function, p50 / p90 / max" in printed


def test_the_decision_names_every_private_part_of_dbos_in_use() -> None:
    sources = "".join(
        read(path) for path in tracked() if path.startswith("app/engine/") and path.endswith(".py")
    )
    private = set(re.findall(r"\bdbos\._\w+|\bDBOS\._\w+", sources))
    named = read("docs/decisions/0001-durable-engine.md")
    assert private
    assert not [name for name in private if name not in named]


def test_the_architecture_names_every_part_of_the_program() -> None:
    page = read("ARCHITECTURE.md")
    parts = {path.split("/")[1] for path in tracked() if path.startswith("app/") and path.endswith(".py")}
    packages = {
        path.split("/")[0] for path in tracked() if path.endswith("/__init__.py") and path.count("/") == 1
    }
    required = {f"app/{part}" for part in parts - {"__init__.py"}} | packages - {"app", "tests", "benchmarks"}
    assert len(required) > 20
    assert not [part for part in sorted(required) if f"`{part}`" not in page and f"`{part}/`" not in page]
