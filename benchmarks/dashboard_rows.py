"""Rows for the dashboard's benchmark: 100,000 model calls, 10,000 reviews, 50,000 findings, 40 repositories and their settings.

Texts are as long as real ones, so a page that reads rows instead of an index is slow here too.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert

from app.store.call_tables import ModelCallRow
from app.store.database import Database
from app.store.job_tables import DeliveryRow
from app.store.review_tables import (
    FindingRow,
    LearnedRuleRow,
    RejectionRow,
    RepositorySettingsRow,
    ReviewRow,
    StageResultRow,
)

CALLS, REVIEWS, FINDINGS, REJECTIONS, DELIVERIES, RULES = 100_000, 10_000, 50_000, 30_000, 12_000, 200
REPOSITORIES = 40
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SPAN = timedelta(days=29)
MODELS = (
    ("claude", "claude-sonnet-5-5"),
    ("claude", "claude-haiku-5-5"),
    ("gpt", "gpt-6.2-sol"),
    ("gpt", "gpt-6-luna"),
    ("gemini", "gemini-3.8-flash"),
)
STAGES = ("review", "security", "docs")
OUTCOMES = ("ok",) * 17 + ("rate_limited", "timeout", "cache_hit")
REASONS = (
    "Refuted by gpt:gpt-6.2-sol: the caller checks it.",
    "Below the configured minimum severity (high).",
    "The quoted code does not stand in the change.",
)
STATIONS = ("snapshot", "config", "gather", "analyzers", "review", "security", "docs", "settle", "publish")
TEXT = "The value that the look-up returns may be missing, and the next line reads it before it is checked. "


def seed(database: Database) -> None:
    """Generate the rows, spread evenly over 29 days, 40 repositories and five models."""
    rng = Random(1)
    with database.write() as session:
        connection = session.connection()
        for table, make, number in (
            (ReviewRow, _review, REVIEWS),
            (StageResultRow, _stage_result, REVIEWS * len(STAGES)),
            (ModelCallRow, _call, CALLS),
            (FindingRow, _finding, FINDINGS),
            (RejectionRow, _rejection, REJECTIONS),
            (DeliveryRow, _delivery, DELIVERIES),
            (LearnedRuleRow, _rule, RULES),
            (RepositorySettingsRow, _settings, REPOSITORIES),
        ):
            for start in range(0, number, 10_000):
                rows = range(start, min(start + 10_000, number))
                connection.execute(insert(table), [make(rng, n) for n in rows])


def _at(number: int, of: int) -> datetime:
    return NOW - SPAN * (number / of)


def _place(number: int) -> dict[str, Any]:
    return {"installation_id": 1 + number % 4, "repository": f"octo/repo-{number % REPOSITORIES}"}


def _review(rng: Random, number: int) -> dict[str, Any]:
    at = _at(number, REVIEWS)
    return _place(number) | {
        "id": f"review-{number}",
        "pull_request": number // 3,
        "head_sha": f"{number:040x}",
        "trigger": "opened",
        "status": rng.choice(["completed"] * 9 + ["failed"]),
        "created_at": at,
        "started_at": at,
        "finished_at": at + timedelta(minutes=1),
        "cost_usd": 0.05,
        "stages": ["review", "security", "docs"],
        "full": False,
        "commanded": False,
        "notes": ["The context was cut to the budget of tokens."],
        "coverage": {"files": 8, "reviewed": 8, "omitted": []},
        "stations": [
            {"station": station, "started_ms": 900 * place, "duration_ms": 850}
            for place, station in enumerate(STATIONS)
        ],
    }


def _call(rng: Random, number: int) -> dict[str, Any]:
    provider, model = rng.choice(MODELS)
    review = number * REVIEWS // CALLS
    return _place(review) | {
        "id": f"call-{number}",
        "review_id": f"review-{review}",
        "pull_request": review // 3,
        "stage": rng.choice([*STAGES, "verify"]),
        "provider": provider,
        "model": model,
        "prompt_id": "review",
        "prompt_version": "1",
        "attempt": 1,
        "outcome": rng.choice(OUTCOMES),
        "latency_ms": int(rng.lognormvariate(8.5, 0.6)),
        "input_tokens": rng.randrange(30_000),
        "cached_input_tokens": 4_000,
        "output_tokens": rng.randrange(2_000),
        "cost_usd": 0.01 * rng.random(),
        "started_at": _at(number, CALLS),
        "reason": "favourite of the stage",
        "request_id": f"req_{number:024x}",
    }


def _finding(rng: Random, number: int) -> dict[str, Any]:
    provider, model = rng.choice(MODELS)
    review = number * REVIEWS // FINDINGS
    return _place(review) | {
        "id": f"finding-{number}",
        "review_id": f"review-{review // 2 * 2}",
        "pull_request": review // 3,
        "fingerprint": f"{number:032x}",
        "stage": rng.choice(STAGES),
        "severity": rng.choice(["critical", "high", "medium", "low"]),
        "path": f"src/module_{number % 97}.py",
        "line": 8,
        "start_line": 8,
        "side": "RIGHT",
        "found_by": [f"{provider}:{model}"],
        "confirmed_by": rng.choice([[], ["gpt:gpt-6.2-sol"]]),
        "placement": "inline",
        "outcome": rng.choice(["open", "resolved", "resolved", "dismissed", "outdated"]),
        "owners": rng.choice(
            [None, "", f"@octo/team-{number % 20}", f"@octo/team-{number % 20} @octo/security"]
        ),
        "reactions_up": 0,
        "reactions_down": 0,
        "rule_id": f"rule-{number % 61}",
        "title": "The value may be missing",
        "explanation": TEXT * 4,
        "quote": "    return cache.get(key).value\n" * 4,
        "evidence": TEXT * 2,
        "verifier_evidence": TEXT,
        "pre_existing": False,
        "created_at": _at(number, FINDINGS),
    }


def _stage_result(rng: Random, number: int) -> dict[str, Any]:
    provider, model = rng.choice(MODELS)
    return {
        "review_id": f"review-{number // len(STAGES)}",
        "stage": STAGES[number % len(STAGES)],
        "status": "completed",
        "provider": provider,
        "model": model,
        "notes": [],
        "documents": [],
    }


def _rejection(rng: Random, number: int) -> dict[str, Any]:
    provider, model = rng.choice(MODELS)
    return {
        "id": f"rejection-{number}",
        "review_id": f"review-{number * REVIEWS // REJECTIONS}",
        "stage": rng.choice(STAGES),
        "severity": "medium",
        "rule_id": f"rule-{number % 61}",
        "path": f"src/module_{number % 97}.py",
        "line": 8,
        "title": "The value may be missing",
        "reason": rng.choice(REASONS),
        "found_by": [f"{provider}:{model}"],
        "created_at": _at(number, REJECTIONS),
    }


def _delivery(rng: Random, number: int) -> dict[str, Any]:
    place = _place(number)
    return place | {
        "guid": f"delivery-{number}",
        "event": "pull_request",
        "action": "synchronize",
        "pull_request": number // 3,
        "received_at": _at(number, DELIVERIES),
        "state": rng.choice(["done"] * 9 + ["failed", "superseded"]),
        "job_key": f"review:{place['repository']}:{number // 3}",
        "request": {"kind": "review", "head_sha": f"{number:040x}", "stages": list(STAGES)},
        "attempts": 1,
        "finished_at": _at(number, DELIVERIES),
    }


def _rule(rng: Random, number: int) -> dict[str, Any]:
    return _place(number) | {
        "id": f"rule-{number}",
        "rule_id": f"rule-{rng.randrange(61)}",
        "evidence": "return cache . get ( key ) . value",
        "dismissals": 3,
        "created_at": _at(number, RULES),
    }


def _settings(rng: Random, number: int) -> dict[str, Any]:
    entries = {f"key_{each}": [f'"{rng.random()}"', "default"] for each in range(30)}
    return _place(number) | {"entries": entries, "problems": [], "read_at": NOW}
