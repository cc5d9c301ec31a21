"""The MCP tools: what they work with, and their endpoint at `/mcp`. Loads the SDK for the first caller, never before."""

from typing import TYPE_CHECKING

from app.main import Network, Program
from app.mcp_server.http import McpAccess, McpEndpoint
from app.serving.github import advisory_lookup

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from app.mcp_server.desk import Desk


def mcp_desk(program: Program, network: Network | None = None) -> "Desk":
    """What the MCP tools work with."""
    from app.mcp_server.dast import DastPolicy
    from app.mcp_server.desk import Desk

    settings = program.settings
    return Desk(
        services=program.services,
        database=program.database,
        lookup_advisories=advisory_lookup(settings, network or Network()),
        dast=DastPolicy(targets=settings.quorum_dast_targets, all_methods=settings.quorum_dast_all_methods),
    )


def mcp_endpoint(program: Program, network: Network, token: str) -> McpEndpoint:
    """The endpoint, for callers who bring the token."""

    def build() -> "MCPServer":
        from app.mcp_server.server import build_mcp_server  # a second to load: after the server is up

        return build_mcp_server(mcp_desk(program, network))

    return McpEndpoint(build, McpAccess(token=token, hosts=program.settings.quorum_mcp_hosts))
