"""Announced shutdowns cover a model and its dated forms, and no default model is about to shut down."""

from datetime import date, timedelta

import pytest

from app.llm.vendor_terms import shut_down_on
from app.settings import Settings
from tests.unit.llm.harness import START


@pytest.mark.parametrize(
    ("model", "day"),
    [
        ("gemini-2.5-pro", date(2026, 12, 1)),
        ("gemini-2.5-flash-lite", None),
        ("claude-sonnet-4-5-20250929", date(2026, 11, 30)),
        ("claude-sonnet-4-5@20250929", date(2026, 11, 30)),
        ("gpt-5-2025-08-07", date(2026, 12, 11)),
        ("gpt-5.5", None),
        ("claude-sonnet-5-5", None),
    ],
)
def test_the_shutdown_date_of_a_model_is_known(model: str, day: date | None) -> None:
    assert shut_down_on(model) == day


@pytest.mark.parametrize("field", [name for name in Settings.model_fields if name.endswith("_model")])
def test_no_default_model_shuts_down_within_a_year(field: str) -> None:
    default = Settings.model_fields[field].default
    ends = shut_down_on(default) if default else None
    assert ends is None or ends > START.date() + timedelta(days=365)
