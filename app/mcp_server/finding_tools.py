"""The descriptions of the tools for agents, and how every tool ends. `app.mcp_server.findings` does the work."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from app.errors import QuorumError
from app.mcp_server import findings
from app.mcp_server.answers import FindingsAnswer, MarkedAnswer, ProposedFixAnswer, WholeFindingAnswer
from app.mcp_server.service import ToolService

T = TypeVar("T")

FindingId = Annotated[str, Field(description="`findings[].id` of `list_findings`.", max_length=500)]


async def finish(service: ToolService, work: Awaitable[T]) -> T:
    """Wait for the tool until its deadline. Quorum's own errors are shown to the caller; the SDK hides all others."""
    try:
        async with asyncio.timeout(service.deadline_s):
            return await work
    except QuorumError as error:
        raise ToolError(str(error)) from error
    except TimeoutError as error:
        raise ToolError(f"The tool did not finish within {service.deadline_s:g} s.") from error


def add_finding_tools(server: MCPServer, service: ToolService) -> None:
    """Add the tools that read and work off the findings of a pull request."""
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @server.tool(title="List open findings", annotations=reads)
    async def list_findings(  # pyright: ignore[reportUnusedFunction]
        repository: Annotated[str, Field(description="owner/repo", max_length=300)],
        pull_request: Annotated[int, Field(ge=1, lt=2**31)],
    ) -> FindingsAnswer:
        """The open findings of a pull request that the App has reviewed, the worst first. Calls no model."""
        return await finish(service, findings.list_findings(service, repository, pull_request))

    @server.tool(title="Get a finding", annotations=reads)
    async def get_finding(finding_id: FindingId) -> WholeFindingAnswer:  # pyright: ignore[reportUnusedFunction]
        """One finding with the code that it is about and the evidence. Calls no model."""
        return await finish(service, findings.get_finding(service, finding_id))

    @server.tool(
        title="Propose a fix", annotations=ToolAnnotations(read_only_hint=True, open_world_hint=True)
    )
    async def propose_fix(  # pyright: ignore[reportUnusedFunction]
        finding_id: FindingId,
        code: Annotated[str, Field(description="The current text of the finding's whole file.")],
    ) -> ProposedFixAnswer:
        """A patch that fixes the finding, checked by plain code and by another vendor's model. Writes nothing."""
        return await finish(service, findings.propose_fix(service, finding_id, code))

    @server.tool(
        title="Mark as fixed",
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )
    async def mark_fixed(  # pyright: ignore[reportUnusedFunction]
        finding_id: FindingId,
        commit: Annotated[
            str | None, Field(description="The commit with the fix.", pattern="^[0-9a-f]{7,64}$")
        ] = None,
    ) -> MarkedAnswer:
        """Record that you fixed the finding, so that nobody does it twice. The next review decides whether it is gone."""
        return await finish(service, findings.mark_fixed(service, finding_id, commit))
