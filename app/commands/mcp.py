"""`quorum mcp`: the MCP server on standard input and output, started by a program on this machine.

It runs in untrusted checkouts, so it reads no `.env`, no data and no configuration from the working directory. The tools
that look at code read the last commit of its repository, through hardened git.
"""

import asyncio
import sys
from pathlib import Path

from app.commands.own_settings import isolated_settings
from app.logs import configure_logging
from app.main import build_program
from app.mcp_server.server import build_mcp_server
from app.serving.tools import mcp_tool_service

ON_A_TERMINAL = """\
This is Quorum's MCP server. It waits on standard input for an MCP client, which starts it as a program, for example:
  claude mcp add quorum -- quorum mcp
docs/mcp.md shows other clients. Press Ctrl-C to stop.
"""


def mcp() -> int:
    """Serve until the client closes the connection; returns the exit code."""
    if sys.stdin.isatty():
        sys.stderr.write(ON_A_TERMINAL)
        sys.stderr.flush()
    asyncio.run(_serve())
    return 0


async def _serve() -> None:
    program = build_program(isolated_settings())
    configure_logging(
        redact=program.services.redactor.redact
    )  # to stderr, because stdout belongs to the protocol
    try:
        await build_mcp_server(mcp_tool_service(program, repository=Path.cwd())).run_stdio_async()
    finally:
        await program.close()
