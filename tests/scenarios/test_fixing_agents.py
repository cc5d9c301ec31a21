"""Agents work off the open findings of a reviewed pull request over MCP, and the figures say what became of fixes."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from sqlmodel import delete

from app.clock import utc_now
from app.mcp_server.server import build_mcp_server
from app.serving.tools import mcp_tool_service
from app.store.fixes import load_fix_figures
from app.store.review_tables import RepositorySettingsRow
from tests.scenarios.fixing import SAFE, Fixers
from tests.scenarios.test_fixing import FIXED, SHOP, apply_with_git, opened
from tests.scenarios.vendors import BUG
from tests.scenarios.world import open_shop


async def test_an_agent_lists_gets_fixes_and_marks_a_finding(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Fixers(world.vendors)
        pull = await opened(world)
        head = pull.head_sha
        async with Client(build_mcp_server(mcp_tool_service(world.served.program))) as client:

            async def call(tool: str, **arguments: Any) -> dict[str, Any]:
                answer = await client.call_tool(tool, arguments)
                assert answer.structured_content is not None, answer.content
                return answer.structured_content

            listed = await call("list_findings", repository="acme/shop", pull_request=pull.number)
            [found] = listed["findings"]
            assert (listed["reviewed_sha"], found["path"], found["marked_fixed"]) == (head, "shop.py", False)
            whole = await call("get_finding", finding_id=found["id"])
            assert BUG in whole["quote"]
            fixed = await call("propose_fix", finding_id=found["id"], code=SHOP)
            assert (fixed["status"], fixed["confirmed_by"][:4]) == ("confirmed", "gpt:")
            assert apply_with_git(tmp_path / "checkout", SHOP.encode(), fixed["patch"]) == FIXED.encode()
            await call("mark_fixed", finding_id=found["id"], commit="abcdef1")
            listed = await call("list_findings", repository="acme/shop", pull_request=pull.number)
            assert [each["marked_fixed"] for each in listed["findings"]] == [True]
            refused = await client.call_tool("list_findings", {"repository": "acme/shop", "pull_request": 99})
            assert "Quorum has not reviewed acme/shop#99" in str(refused.content)
        assert pull.head_sha == head


async def test_an_agents_fix_respects_the_configuration_of_the_repository(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        fixers = Fixers(world.vendors)
        await opened(world, base={".github/quorum.yml": "providers: [gemini]\n"})
        async with Client(build_mcp_server(mcp_tool_service(world.served.program))) as client:

            async def propose() -> str:
                code = {"finding_id": world.findings()[0].fingerprint, "code": SHOP}
                answer = await client.call_tool("propose_fix", code)
                return str(answer.structured_content or answer.content)

            assert "unconfirmed" in await propose()
            assert {each.provider for each in (*fixers.asked, *fixers.judged)} == {"gemini"}
            # The same finding in a copy of the repository: what both repositories permit.
            await opened(world, base={".github/quorum.yml": "fixes: off\n"}, name="acme/copy")
            assert "Fixes are turned off" in await propose()
            with world.database.write() as session:
                session.exec(delete(RepositorySettingsRow))
            assert "configuration of the finding's repository is not known" in await propose()


@pytest.mark.slow
async def test_the_figures_count_fixes_by_model_until_the_merge(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Fixers(world.vendors)
        since = utc_now()
        pull = await opened(world)
        await world.reply(pull, "/fix")
        pull.merge()
        await world.settle()
        [row] = load_fix_figures(world.database, since)
        assert row.model is not None
        assert row.model.startswith("claude:")
        assert (row.asked, row.proposed, row.confirmed, row.committed) == (1, 1, 1, 1)
        assert (row.kept, row.reverted, row.cost_usd > 0) == (1, 0, True)
        assert SAFE in (pull.repository.git.file("main", "shop.py") or b"").decode()
