"""The dashboard for Grafana queries existing series and labels, and has the shape that Grafana imports."""

import json
import re
from itertools import combinations
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.domain.model_call import Outcome
from tests.unit.repository.files import read
from tests.unit.repository.reference import exposition, metric_names

DASHBOARD: dict[str, Any] = json.loads(read("docs/grafana/quorum.json"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
QUERIES: list[str] = [target["expr"] for panel in PANELS for target in panel["targets"]]
COLUMNS = 24
# https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
REQUIRED = {
    "title",
    "uid",
    "schemaVersion",
    "version",
    "time",
    "refresh",
    "templating",
    "annotations",
    "panels",
}
WORDS = {"sum", "max", "by", "rate", "increase", "histogram_quantile", "le"}
LABELS = {"gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type", "stage", "outcome", "state"}


def series() -> set[str]:
    """Every name under which a sample may be stored."""
    families = text_string_to_metric_families(exposition())
    histograms = {family.name for family in families if family.type == "histogram"}
    return metric_names() | {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}


def words(query: str) -> set[str]:
    """The names in a query, without quoted text and ranges."""
    return set(re.findall(r"[a-z_][a-z0-9_]*", re.sub(r'"[^"]*"|\[[^\]]*\]', "", query)))


@pytest.mark.parametrize("query", QUERIES)
def test_a_panel_queries_existing_series_and_labels(query: str) -> None:
    assert words(query) & series()
    assert words(query) <= series() | LABELS | WORDS
    assert query.count("(") == query.count(")")
    assert query.count("{") == query.count("}")
    outcomes = re.findall(r'outcome(?:=~|!~|=)"([^"]*)"', query)
    assert {part for each in outcomes for part in each.split("|")} <= {each.value for each in Outcome}


def test_every_series_is_on_the_dashboard() -> None:
    shown = set[str]().union(*map(words, QUERIES))
    bases = {re.sub("_(bucket|sum|count)$", "", name) for name in shown}
    assert metric_names() <= shown | bases


def test_the_page_documents_the_labels_of_the_dashboard() -> None:
    page = read("docs/metrics.md")
    assert all(f"`{label}`" in page for label in LABELS)


def test_the_dashboard_has_the_shape_that_grafana_imports() -> None:
    assert DASHBOARD.keys() >= REQUIRED
    assert DASHBOARD.get("id") is None  # an id would overwrite another dashboard
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    for panel in PANELS:
        assert panel.keys() >= {
            "id",
            "type",
            "title",
            "gridPos",
            "datasource",
            "targets",
            "fieldConfig",
            "options",
        }
        assert panel["type"] in ("stat", "timeseries", "table")
        assert panel["datasource"]["uid"] == "${datasource}"
        names = re.findall(r"\$(\w+)", "".join(target["expr"] for target in panel["targets"]))
        assert set(names) <= variables.keys() | {"__range", "__rate_interval"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_no_two_panels_overlap() -> None:
    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS
        return {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}

    assert not any(cells(one) & cells(other) for one, other in combinations(PANELS, 2))
