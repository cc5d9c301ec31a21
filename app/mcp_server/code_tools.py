"""The look-ups of models as tools, over the last commit of the repository that the server was started in.

The code that answers models in a review answers here too. Without a repository, as over HTTP, the tools say so.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal

from mcp.server import MCPServer
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from app.domain.lookup import CodeLookup, LookupKind
from app.domain.lookup_answer import LookupAnswer
from app.errors import InputError
from app.gather.lookups import Lookups
from app.github.local import GitRangeSource
from app.redaction import Redactor

NO_REPOSITORY = "This server was not started in a git repository, so it has no code to look at."

_Name = Annotated[str, Field(description="A name, such as `total` or `Cart.total`.", max_length=300)]
_FilePath = Annotated[str, Field(description="A path in the repository.", max_length=300)]
_Where = Annotated[str | None, Field(description="A file or folder to look in first.", max_length=300)]
_Line = Annotated[int, Field(ge=1, le=1_000_000_000)]
_Text = Annotated[str, Field(description="Literal text, not a regular expression.", max_length=300)]
_CLOSED = ToolAnnotations(read_only_hint=True, open_world_hint=False)


class CodeLines(BaseModel):
    """Consecutive lines of a file; secrets are redacted."""

    path: str
    start_line: int
    end_line: int
    text: str


class LookupResult(BaseModel):
    """What a look-up found."""

    status: Literal["found", "not_available"]
    code: list[CodeLines]
    reason: str | None = Field(description="Why nothing is shown.")
    note: str | None = Field(description="What was left out.")


LookUpOne = Callable[[CodeLookup], Awaitable[LookupResult]]


def add_code_tools(server: MCPServer, look_up: LookUpOne) -> None:
    """Add the four tools."""

    @server.tool(title="Find a definition", annotations=_CLOSED)
    async def find_definition(name: _Name, path: _Where = None) -> LookupResult:  # pyright: ignore[reportUnusedFunction]
        """Show the definitions of a name in the last commit of the repository."""
        return await look_up(CodeLookup(kind=LookupKind.DEFINITION, name=name, path=path))

    @server.tool(title="Find references", annotations=_CLOSED)
    async def find_references(name: _Name, path: _Where = None) -> LookupResult:  # pyright: ignore[reportUnusedFunction]
        """List the lines that contain a name in the last commit of the repository, code before tests."""
        return await look_up(CodeLookup(kind=LookupKind.REFERENCES, name=name, path=path))

    @server.tool(title="Read lines", annotations=_CLOSED)
    async def read_lines(  # pyright: ignore[reportUnusedFunction]
        path: _FilePath, start_line: _Line = 1, end_line: _Line | None = None
    ) -> LookupResult:
        """Show lines of a file of the last commit of the repository, up to about 2,000 tokens."""
        return await look_up(
            CodeLookup(kind=LookupKind.FILE, path=path, start_line=start_line, end_line=end_line)
        )

    @server.tool(title="Search the code", annotations=_CLOSED)
    async def search_code(text: _Text, path: _Where = None) -> LookupResult:  # pyright: ignore[reportUnusedFunction]
        """List the lines that contain a text in the last commit of the repository, code before tests."""
        return await look_up(CodeLookup(kind=LookupKind.SEARCH, name=text, path=path))


async def look_up_in(repository: Path | None, lookup: CodeLookup, redactor: Redactor) -> LookupResult:
    """Answer one look-up from the last commit.

    Raises:
        InputError: there is no repository, or git cannot read it.
    """
    if repository is None:
        raise InputError(NO_REPOSITORY)
    source = GitRangeSource(repository, "HEAD")
    await source.snapshot(())
    [answer] = await Lookups(source).answer([lookup])
    return _result(answer, redactor)


def _result(answer: LookupAnswer, redactor: Redactor) -> LookupResult:
    return LookupResult(
        status="not_available" if answer.unavailable else "found",
        code=[
            CodeLines(
                path=each.path,
                start_line=each.start_line,
                end_line=each.start_line + each.text.count("\n"),
                text=redactor.redact(each.text),
            )
            for each in answer.snippets
        ],
        reason=answer.unavailable.value if answer.unavailable else None,
        note=answer.note or None,
    )
