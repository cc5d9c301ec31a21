"""The service behind the MCP tools, and their endpoint at `/mcp`. Loads the SDK when the server is up, not earlier."""

from pathlib import Path
from typing import TYPE_CHECKING

from app.main import Network, Program
from app.mcp_server.http import McpAccess, McpEndpoint
from app.serving.github import advisory_lookup

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from app.mcp_server.service import ToolService


def mcp_tool_service(
    program: Program, network: Network | None = None, *, repository: Path | None = None
) -> "ToolService":
    """Build the service behind the MCP tools; `repository` is the one whose code they may look at."""
    from app.mcp_server.scans import DastPolicy
    from app.mcp_server.service import ToolService

    settings = program.settings
    return ToolService(
        services=program.services,
        database=program.database,
        repository=repository,
        lookup_advisories=advisory_lookup(settings, network or Network()),
        dast=DastPolicy(targets=settings.quorum_dast_targets, all_methods=settings.quorum_dast_all_methods),
    )


def mcp_endpoint(program: Program, network: Network, token: str) -> McpEndpoint:
    """Build the endpoint, for callers with the token."""

    def build() -> "MCPServer":
        from app.mcp_server.server import (
            build_mcp_server,  # takes a second to load, so not before the server is up
        )

        return build_mcp_server(mcp_tool_service(program, network))

    return McpEndpoint(build, McpAccess(token=token, hosts=program.settings.quorum_mcp_hosts))
