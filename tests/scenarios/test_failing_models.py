"""Vendors are down, refuse, or have no key: the next one takes over, and the summary reports what failed."""

import pytest

from app.domain.model_call import Provider
from tests.fakes.vendors import Fault
from tests.scenarios.conftest import Open
from tests.scenarios.reading import conclusions, inline_comments, take_checks, take_review, take_summary
from tests.scenarios.vendors import finding
from tests.scenarios.world import World

QUERY = '    return db.execute("SELECT * FROM payments WHERE owner = \'" + owner + "\'")'
PAY = {"pay.py": f"def payments(db, owner):\n{QUERY}\n"}
INJECTION = finding(
    "pay.py", QUERY, line=2, title="The owner's name is part of the query", rule_id="sql-injection"
)


async def test_when_claude_is_down_the_next_vendor_reviews_and_every_attempt_is_recorded(
    world: World,
) -> None:
    world.vendors.claude.is_down()
    pull = world.open_pull({"cart.py": "def total(items):\n    return len(items)\n"})
    await world.settle()
    assert {provider for provider, outcome in world.calls("review") if outcome == "unavailable"} == {"claude"}
    assert world.calls("review")[-1] == ("gpt", "ok")
    checks = take_checks(pull)
    assert conclusions(checks) == {"review": "success", "security": "success", "docs": "success"}
    assert "Reviewed by GPT" in (checks["quorum/review"].summary or "")
    take_review(pull)
    assert "GPT" in take_summary(pull).body


async def test_a_refusal_goes_to_the_next_vendor(world: World) -> None:
    world.vendors.gpt.refuses()
    pull = world.open_pull({"cart.py": "def total(items):\n    return len(items)\n"})
    await world.settle()
    assert world.calls("security")[0] == ("gpt", "refused")
    assert world.calls("security")[-1] == ("claude", "ok")
    assert conclusions(take_checks(pull))["security"] == "success"
    take_review(pull)
    take_summary(pull)


@pytest.mark.parametrize("gate", ["off", "critical"])
async def test_when_every_model_fails_the_analyzers_findings_are_posted_and_nothing_is_green(
    opened: Open, gate: str
) -> None:
    async with opened(config=f"gate: '{gate}'\n") as world:
        for vendor in world.vendors:
            vendor.is_down()
        pull = world.open_pull(PAY)
        await world.settle()
        [comment] = inline_comments(pull)
        assert "· patterns" in comment.body
        checks = take_checks(pull)
        assert set(conclusions(checks).values()) == {"neutral" if gate == "off" else "failure"}
        assert all("Not reviewed" in (run.title or "") for run in checks.values())
        assert "Not reviewed: " in take_summary(pull).body
        assert take_review(pull).body.startswith("Not reviewed: ")


async def test_a_rejected_key_disables_the_vendor_and_is_reported_once(world: World) -> None:
    world.vendors.claude.rejects_its_key()
    pull = world.open_pull({"cart.py": "def total(items):\n    return len(items)\n"})
    await world.settle()
    assert world.calls().count(("claude", "auth_failed")) == 1
    summary = take_summary(pull).body
    assert summary.count("key") == 1, summary
    assert conclusions(take_checks(pull))["review"] == "success"
    take_review(pull)


async def test_a_rejected_key_is_not_tried_by_the_next_review(world: World) -> None:
    world.vendors.claude.rejects_its_key()
    for number in (1, 2):
        pull = world.open_pull({f"cart_{number}.py": "def total(items):\n    return len(items)\n"})
        await world.settle()
        pull.take_all()
    assert world.calls().count(("claude", "auth_failed")) == 1


async def test_no_secret_of_the_operator_reaches_a_model_the_database_or_the_pull_request(
    world: World,
) -> None:
    secret = world.served.program.settings.github_webhook_secret
    assert secret is not None
    leaked = f"TOKEN = '{secret.get_secret_value()}'\n"
    world.vendors.claude.finds(finding("a.py", leaked.strip(), title=f"Holds {secret.get_secret_value()}"))
    pull = world.open_pull({"a.py": leaked})
    await world.settle()
    assert world.vendors.requests
    assert all(secret.get_secret_value() not in request.text for request in world.vendors.requests)
    for item in pull.take_all():
        assert secret.get_secret_value() not in item.body
    assert all(secret.get_secret_value() not in comment.body for comment in inline_comments(pull))


async def test_without_any_key_the_analyzers_review_and_every_text_says_so(opened: Open) -> None:
    async with opened(providers=()) as world:
        pull = world.open_pull({**PAY, "api.py": "def charge(card):\n    return card\n"})
        await world.settle()
        assert not world.vendors.requests
        assert not world.calls()
        [comment] = inline_comments(pull)
        assert (comment.anchor.path, comment.anchor.line) == ("pay.py", 2)
        checks = take_checks(pull)
        assert {run.conclusion for run in checks.values()} == {"neutral"}
        assert all("Not reviewed by a model" in (run.title or "") for run in checks.values())
        assert "Not reviewed by a model" in take_summary(pull).body
        assert "Not reviewed by a model" in take_review(pull).body


async def test_without_any_key_docs_lists_undocumented_functions_and_api_changes(opened: Open) -> None:
    files = {"api.py": 'def charge(card, amount):\n    """Charge a card."""\n    return card\n'}
    async with opened(providers=(), files=files) as world:
        pull = world.open_pull(
            {
                "api.py": 'def charge(card):\n    """Charge a card."""\n    return card\n\n\ndef refund(card):\n    return card\n'
            }
        )
        await world.settle()
        summary = take_summary(pull).body
        assert "refund" in summary
        assert "charge" in summary
        take_review(pull)
        take_checks(pull)


async def test_analyzers_look_only_at_added_lines(opened: Open) -> None:
    async with opened(providers=(), files=PAY) as world:
        pull = world.open_pull({"pay.py": PAY["pay.py"] + "\n\ndef fee(amount):\n    return amount\n"})
        await world.settle()
        assert not inline_comments(pull)
        take_review(pull)
        take_summary(pull)
        take_checks(pull)


async def test_an_unchecked_finding_is_shown_as_unconfirmed_in_the_summary(world: World) -> None:
    division = finding("pay.py", "    return 1 / rate", line=2, title="A rate of 0 ends in an error")
    world.vendors.claude.finds(division)
    world.vendors.fake.fail(Provider.GPT, Fault.NONE, times=1)
    world.vendors.fake.fail(Provider.GPT, Fault.SERVER_ERROR)
    world.vendors.fake.fail(Provider.GEMINI, Fault.NONE, times=1)
    world.vendors.fake.fail(Provider.GEMINI, Fault.SERVER_ERROR)
    pull = world.open_pull({"pay.py": "def pay(rate):\n    return 1 / rate\n"})
    await world.settle()
    assert not inline_comments(pull)
    summary = take_summary(pull).body
    assert division["title"] in summary
    assert "could not be checked by another vendor's model" in summary
    take_review(pull)
    take_checks(pull)


async def test_an_invalid_answer_is_requested_once_more_and_then_from_the_next_vendor(
    world: World,
) -> None:
    world.vendors.fake.fail(Provider.CLAUDE, Fault.OFF_SCHEMA)
    pull = world.open_pull({"cart.py": "def total(items):\n    return len(items)\n"})
    await world.settle()
    assert world.calls("review") == [
        ("claude", "invalid_output"),
        ("claude", "invalid_output"),
        ("gpt", "ok"),
    ]
    take_review(pull)
    take_summary(pull)
    take_checks(pull)
