"""The MCP server's tools, resources and prompts. Descriptions are static; what a tool does stands in `app.mcp_server.desk`.

https://modelcontextprotocol.io/specification
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Annotated, Literal, Self, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from app.domain.finding import Stage
from app.domain.review import StationEvent, StationState
from app.errors import QuorumError
from app.gather.configuration import configuration_schema
from app.mcp_server.answers import (
    DocumentationAnswer,
    ExplanationAnswer,
    ReportAnswer,
    ScanAnswer,
    StatsAnswer,
)
from app.mcp_server.desk import Desk, DocsFormat
from app.mcp_server.prompts import stage_prompt

T = TypeVar("T")

INSTRUCTIONS = (
    "Quorum reviews code: a finding of one vendor's model is put before another vendor's model before it is reported. "
    "Give source text or a unified diff. `not_reviewed`, `could_not_check` and `not_applicable` never mean that "
    "the code is clean."
)
STATIONS = ("gather", "analyze", *(stage.value for stage in Stage), "verify")

Code = Annotated[str, Field(description="Source text, or a unified diff as `git diff` prints it.")]
Language = Annotated[
    str | None,
    Field(
        description="Of source text: a language, an extension, or a file name. Guessed where it is not given."
    ),
]
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=True)


def build_mcp_server(desk: Desk) -> MCPServer:
    """The server, for stdio and HTTP alike."""
    server = MCPServer("quorum", title="Quorum", instructions=INSTRUCTIONS, version=version("quorum-review"))
    _add_stage_tools(server, desk)
    _add_other_tools(server, desk)
    _add_resources(server, desk)
    _add_prompts(server, desk)
    return server


def _add_stage_tools(server: MCPServer, desk: Desk) -> None:
    @server.tool(title="Review code", annotations=_READS)
    async def code_review(code: Code, language: Language = None) -> ReportAnswer:  # pyright: ignore[reportUnusedFunction]
        """Find defects in source text or a diff; each finding was put before a second vendor's model where one has a key."""
        return await _answered(desk.review(code, language, stages=[Stage.REVIEW]))

    @server.tool(title="Scan for security flaws", annotations=_READS)
    async def security_scan(  # pyright: ignore[reportUnusedFunction]
        code: Code, scan_type: Literal["sast", "sca", "dast"] = "sast", language: Language = None
    ) -> ScanAnswer:
        """Scan for security flaws.

        sast: the code itself. sca: the packages of manifests and lock files. dast: `code` is an OpenAPI description
        whose first server is a host that the operator allows to be tested.
        """
        if scan_type == "sca":
            return await _answered(desk.scan_dependencies(code, language))
        if scan_type == "dast":
            return await _answered(desk.scan_running_api(code))
        return _scan(await _answered(desk.review(code, language, stages=[Stage.SECURITY])))

    @server.tool(title="Write documentation", annotations=_READS)
    async def doc_generator(  # pyright: ignore[reportUnusedFunction]
        code: Code,
        format: DocsFormat = "markdown",
        language: Language = None,
    ) -> DocumentationAnswer:
        """Write documentation of source text or of a change."""
        return await _answered(desk.document(code, language, format))

    @server.tool(title="Review, scan and document", annotations=_READS)
    async def review_pipeline(code: Code, context: Context, language: Language = None) -> ReportAnswer:  # pyright: ignore[reportUnusedFunction]
        """Run all three stages as the App does on a pull request; tells its progress station by station."""
        async with _Progress(context) as progress:
            return await _answered(desk.review(code, language, stages=list(Stage), watch=progress.watch))


def _add_other_tools(server: MCPServer, desk: Desk) -> None:
    closed = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @server.tool(title="Explain a finding", annotations=closed)
    async def explain_finding(  # pyright: ignore[reportUnusedFunction]
        finding_id: Annotated[str, Field(description="`findings[].id` of an earlier answer.")],
    ) -> ExplanationAnswer:
        """Tell why a finding was made and what the verifier says; asks no model."""
        return await _answered(desk.explain(finding_id))

    @server.tool(title="Show the models' figures", annotations=closed)
    async def stats(since: Annotated[str, Field(description="12h, 7d, 4w")] = "7d") -> StatsAnswer:  # pyright: ignore[reportUnusedFunction]
        """The per-model table: calls, success, latency, tokens, cost."""
        return await _answered(desk.stats(since))


def _add_resources(server: MCPServer, desk: Desk) -> None:
    @server.resource("quorum://reviews/recent", title="Recent reviews", mime_type="application/json")
    async def recent_reviews() -> str:  # pyright: ignore[reportUnusedFunction]
        """The last calls of this server and the last reviews of the App."""
        return json.dumps(await desk.recent(), indent=2)

    @server.resource(
        "quorum://configuration/schema",
        title="Schema of .github/quorum.yml",
        mime_type="application/schema+json",
    )
    def schema() -> str:  # pyright: ignore[reportUnusedFunction]
        """The JSON Schema of a repository's configuration."""
        return json.dumps(configuration_schema(), indent=2)


def _add_prompts(server: MCPServer, desk: Desk) -> None:
    for stage in Stage:
        server.prompt(
            name=stage.value,
            title=f"The {stage.value} stage",
            description=f"What Quorum asks a model in the {stage.value} stage, about this code.",
        )(_prompt(desk, stage))


def _prompt(desk: Desk, stage: Stage) -> Callable[..., Awaitable[str]]:
    async def prompt(code: str, language: str | None = None) -> str:
        try:
            return await stage_prompt(desk.services, stage, code, language)
        except QuorumError as error:
            raise ValueError(str(error)) from error

    return prompt


async def _answered(work: Awaitable[T]) -> T:
    """Quorum's own errors are for the caller to read; of any other the SDK tells nothing."""
    try:
        return await work
    except QuorumError as error:
        raise ToolError(str(error)) from error


def _scan(report: ReportAnswer) -> ScanAnswer:
    return ScanAnswer(
        scan_type="sast",
        status="checked" if report.status == "reviewed" else "could_not_check",
        findings=report.findings,
        rejected=report.rejected,
        notes=report.notes,
        stages=report.stages,
        usage=report.usage,
    )


class _Progress:
    """Sends a notification for every station that has ended, in order, while the block runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ended: asyncio.Queue[StationEvent | None] = asyncio.Queue()
        self._sender: asyncio.Task[None] | None = None

    def watch(self, event: StationEvent) -> None:
        """A `Watch`."""
        if event.state is not StationState.STARTED:
            self._ended.put_nowait(event)

    async def __aenter__(self) -> Self:
        self._sender = asyncio.create_task(self._send())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended.put_nowait(None)
        if self._sender:
            await self._sender

    async def _send(self) -> None:
        done = 0
        while event := await self._ended.get():
            done += 1
            await self._context.report_progress(done, len(STATIONS), f"{event.station}: {event.state}")
