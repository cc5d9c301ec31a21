"""Other settings for some paths: which gate fails a check, which stage reads a file, and what people are told about it."""

from pathlib import Path

from app.domain.configuration import Gate
from tests.scenarios.reading import conclusions, own_comments, take_checks
from tests.scenarios.vendors import BUG, Reviewers, task_of
from tests.scenarios.world import World, open_shop

CONFIG = """
overrides:
  - paths: ["payments/**"]
    gate: high
    instructions: Amounts are integers in cents.
  - paths: ["tools/**"]
    stages: [review, docs]
    min_severity: critical
"""
RULES = ".github/quorum.yml"


def code(name: str) -> str:
    return f"def average_{name}(prices):\n    {BUG}\n    return total\n"


def asked(world: World, task: str) -> str:
    """Everything that models were asked for this task since the last `forget`."""
    return "\n".join(request.text for request in world.vendors.requests if task_of(request) == task)


async def test_each_file_has_the_gate_the_stages_and_the_severity_of_its_path(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        repository = world.create_repository({RULES: CONFIG})
        changed = {
            path: code(f"n{i}") for i, path in enumerate(("payments/charge.py", "shop.py", "tools/run.py"))
        }
        pull = repository.open_pull(changed)
        await world.settle()
        checks = take_checks(pull)
        assert conclusions(checks) == {"review": "failure", "security": "neutral", "docs": "success"}
        review = checks["quorum/review"].summary or ""
        assert "`high` for `payments/charge.py`" in review
        assert "none for `shop.py` and `tools/run.py`" in review
        assert "It fails because of `payments/charge.py:2`" in review
        security = checks["quorum/security"].summary or ""
        assert "Not read by this stage:\n\n- `tools/run.py`: left out by `overrides`" in security
        assert "read 2 of 3 changed files" in security
        assert "tools/run.py" not in asked(world, "security")
        assert "Amounts are integers" in asked(world, "review")
        summary = pull.issue_comments[0].body
        assert "left out by `overrides`: not read by security" in summary
        assert "Below the configured minimum severity (critical)" in summary
        assert len(own_comments(pull)) == 2

        answer = await world.comment(pull, "/config payments/charge.py")
        assert "| `gate` | `high` | `overrides`, `payments/**` |" in answer
        assert "| `profile` | `normal` | default |" in answer


async def test_a_finding_without_a_gate_does_not_fail_the_check_and_a_removed_override_is_read_again(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        repository = world.create_repository({RULES: CONFIG})
        pull = repository.open_pull({"shop.py": code("a"), "payments/ok.py": "LIMIT = 5\n"})
        await world.settle()
        assert conclusions(take_checks(pull)) == {
            "review": "neutral",
            "security": "success",
            "docs": "success",
        }
        assert world.reviews()[-1].gate == Gate.HIGH

        tools = repository.open_pull({"tools/run.py": code("b")}, branch="tools")
        await world.settle()
        checks = take_checks(tools)
        assert conclusions(checks) == {"review": "success", "security": "neutral", "docs": "success"}
        assert "every changed file" in (checks["quorum/security"].summary or "")
        repository.push({RULES: "gate: high\n"})
        world.vendors.fake.forget()
        tools.push({"more.py": "x = 1\n"})
        await world.settle()
        assert "tools/run.py" in asked(world, "security")
        assert conclusions(take_checks(tools)) == {
            "review": "failure",
            "security": "success",
            "docs": "success",
        }


async def test_a_stage_that_fails_fails_only_where_a_file_has_a_gate(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        repository = world.create_repository({RULES: CONFIG})
        for vendor in world.vendors:
            vendor.is_down()
        gated = repository.open_pull({"payments/charge.py": "LIMIT = 5\n"})
        free = repository.open_pull({"shop.py": "LIMIT = 5\n"}, branch="free")
        await world.settle()
        assert set(conclusions(take_checks(gated)).values()) == {"failure"}
        assert set(conclusions(take_checks(free)).values()) == {"neutral"}
