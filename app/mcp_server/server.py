"""The MCP server's tools, resources, and prompts. Descriptions are static; `app.mcp_server.service` does the work.

https://modelcontextprotocol.io/specification
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Annotated, Literal, Self

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, ToolAnnotations
from pydantic import Field

from app.domain.finding import Stage
from app.domain.review import StationEvent, StationState
from app.gather.configuration import configuration_schema
from app.mcp_server.answers import (
    DocumentationAnswer,
    ExplanationAnswer,
    ReportAnswer,
    ScanAnswer,
    StatsAnswer,
)
from app.mcp_server.code_tools import add_code_tools
from app.mcp_server.finding_tools import add_finding_tools, finish
from app.mcp_server.service import DocsFormat, ToolService

INSTRUCTIONS = (
    "Quorum reviews code. A model of another vendor checks each finding before it is reported. "
    "Pass source text or a unified diff. `not_reviewed`, `could_not_check`, and `not_applicable` never mean that "
    "the code is clean."
)
STATIONS = ("gather", "analyze", *(stage.value for stage in Stage), "verify")

Code = Annotated[str, Field(description="Source text, or a unified diff as `git diff` prints it.")]
Language = Annotated[
    str | None,
    Field(description="The language, extension, or file name of source text. Guessed if it is missing."),
]
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=True)


def build_mcp_server(service: ToolService) -> MCPServer:
    """The server, for both stdio and HTTP."""
    server = MCPServer("quorum", title="Quorum", instructions=INSTRUCTIONS, version=version("quorum-review"))
    _add_stage_tools(server, service)
    _add_other_tools(server, service)
    add_finding_tools(server, service)
    add_code_tools(server, lambda lookup: finish(service, service.look_up(lookup)))
    _add_resources(server, service)
    _add_prompts(server, service)
    return server


def _add_stage_tools(server: MCPServer, service: ToolService) -> None:
    @server.tool(title="Review code", annotations=_READS)
    async def code_review(code: Code, language: Language = None) -> ReportAnswer:  # pyright: ignore[reportUnusedFunction]
        """Find defects in source text or a diff. A second vendor's model checks each finding, if a key for one is set."""
        return await finish(service, service.review(code, language, stages=[Stage.REVIEW]))

    @server.tool(title="Scan for vulnerabilities", annotations=_READS)
    async def security_scan(  # pyright: ignore[reportUnusedFunction]
        code: Code, scan_type: Literal["sast", "sca", "dast"] = "sast", language: Language = None
    ) -> ScanAnswer:
        """Scan for vulnerabilities.

        sast: the code itself. sca: the packages in manifests and lock files. dast: `code` is an OpenAPI description
        whose first server is a host that the operator has allowed for testing.
        """
        if scan_type == "sca":
            return await finish(service, service.scan_dependencies(code, language))
        if scan_type == "dast":
            return await finish(service, service.scan_running_api(code))
        return _scan(await finish(service, service.review(code, language, stages=[Stage.SECURITY])))

    @server.tool(title="Write documentation", annotations=_READS)
    async def doc_generator(  # pyright: ignore[reportUnusedFunction]
        code: Code,
        format: DocsFormat = "markdown",
        language: Language = None,
    ) -> DocumentationAnswer:
        """Write documentation for source text or for a change."""
        return await finish(service, service.document(code, language, format))

    @server.tool(title="Review, scan, and document", annotations=_READS)
    async def review_pipeline(code: Code, context: Context, language: Language = None) -> ReportAnswer:  # pyright: ignore[reportUnusedFunction]
        """Run all three stages, as the App does on a pull request, and report the progress step by step."""
        async with _Progress(context) as progress:
            return await finish(
                service, service.review(code, language, stages=list(Stage), watch=progress.watch)
            )


def _add_other_tools(server: MCPServer, service: ToolService) -> None:
    closed = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @server.tool(title="Explain a finding", annotations=closed)
    async def explain_finding(  # pyright: ignore[reportUnusedFunction]
        finding_id: Annotated[
            str, Field(description="`findings[].id` of an earlier answer.", max_length=500)
        ],
    ) -> ExplanationAnswer:
        """Explain why a finding was reported and what the verifier decided. Calls no model."""
        return await finish(service, service.explain(finding_id))

    @server.tool(title="Show model statistics", annotations=closed)
    async def stats(since: Annotated[str, Field(description="12h, 7d, 4w")] = "7d") -> StatsAnswer:  # pyright: ignore[reportUnusedFunction]
        """Statistics per model: calls, success rate, latency, tokens, and cost."""
        return await finish(service, service.stats(since))


def _add_resources(server: MCPServer, service: ToolService) -> None:
    @server.resource("quorum://reviews/recent", title="Recent reviews", mime_type="application/json")
    async def recent_reviews() -> str:  # pyright: ignore[reportUnusedFunction]
        """The latest calls of this server and the latest reviews of the App."""
        return json.dumps(await service.recent(), indent=2)

    @server.resource(
        "quorum://configuration/schema",
        title="Schema of .github/quorum.yml",
        mime_type="application/schema+json",
    )
    def schema() -> str:  # pyright: ignore[reportUnusedFunction]
        """The JSON Schema of a repository's configuration."""
        return json.dumps(configuration_schema(), indent=2)


def _add_prompts(server: MCPServer, service: ToolService) -> None:
    for stage in Stage:
        server.prompt(
            name=stage.value,
            title=f"The {stage.value} stage",
            description=f"The prompt that Quorum sends to a model in the {stage.value} stage, with this code.",
        )(_prompt(service, stage))


def _prompt(service: ToolService, stage: Stage) -> Callable[..., Awaitable[str]]:
    async def prompt(code: str, language: str | None = None) -> str:
        try:
            return await finish(service, service.prompt(stage, code, language))
        except ToolError as error:  # of a prompt, the SDK shows only protocol errors
            raise MCPError(INVALID_PARAMS, str(error)) from error

    return prompt


def _scan(report: ReportAnswer) -> ScanAnswer:
    return ScanAnswer(
        scan_type="sast",
        status="checked" if report.status == "reviewed" else "could_not_check",
        result=report.result,
        findings=report.findings,
        rejected=report.rejected,
        notes=report.notes,
        stages=report.stages,
        usage=report.usage,
    )


class _Progress:
    """Sends a notification for every finished step, in order, while the block runs."""

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
