"""Opens what `quorum review` is to review: a range, a branch, the staged changes, a patch, or a pull request's URL."""

import asyncio
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.commands.review_output import STDIN
from app.domain.analysis import AdvisoryLookup
from app.domain.pull_request import PullRequest, PullRequestRef, Source
from app.errors import InputError
from app.gather import Gathered
from app.github.branches import Branches
from app.github.local import STAGED, GitRangeSource, PatchSource, open_repository, parse_pull_request_url
from app.main import Network
from app.settings import Settings

if TYPE_CHECKING:
    import httpx

    from app.github.client import RepositoryClient

_UNNAMED = PullRequestRef(owner="local", repo="local", number=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What to review: its name, a source and, for a URL, the pull request with its client."""

    name: str
    source: Source
    ref: PullRequestRef | None = None
    lookup_advisories: AdvisoryLookup | None = None
    client: "RepositoryClient | None" = None
    transport: "httpx.AsyncBaseTransport | None" = None

    async def close(self) -> None:
        """Close open connections."""
        if self.transport:
            await self.transport.aclose()


async def open_target(target: str | None, repo: Path, settings: Settings, network: Network) -> Target:
    """Open a target; None is the current branch.

    Raises:
        InputError: the target cannot be read, in one sentence that says what to do.
    """
    if target == STDIN:
        return Target(name="standard input", source=PatchSource(sys.stdin.buffer.read()))
    if target and "://" in target:
        return _open_pull_request(target, settings, network)
    if target == STAGED:
        return Target(name="staged changes", source=GitRangeSource(repo, STAGED, index_file=_index_file()))
    if target and await asyncio.to_thread(Path(target).is_file):
        return Target(name=target, source=PatchSource(read_file(Path(target))))
    branches = Branches(open_repository(repo)[1])
    name = await (branches.expand(target) if target else branches.choose())
    return Target(name=name, source=GitRangeSource(repo, name))


def _index_file() -> Path | None:
    """The index of the current commit if a hook runs; `git commit FILE` uses a separate one."""
    index_file = os.environ.get("GIT_INDEX_FILE")
    return Path(index_file).absolute() if index_file else None


def _open_pull_request(url: str, settings: Settings, network: Network) -> Target:
    from app.github.client import token_client
    from app.github.reader import PullRequestSource
    from app.github.transport import open_transport

    ref = parse_pull_request_url(url, settings.github_api_url)
    if not settings.github_token:
        raise InputError("Set GITHUB_TOKEN to a token that can read this pull request.")
    token, api_url = settings.github_token.get_secret_value(), settings.github_api_url
    transport = network.github or open_transport(api_url)
    client = token_client(token, ref.repository, api_url, transport=transport)
    source = PullRequestSource(client, ref)
    return Target(
        name=str(ref),
        source=source,
        ref=ref,
        lookup_advisories=source.look_up_advisories,
        client=client,
        transport=transport,
    )


def read_file(path: Path) -> bytes:
    """Read a file that the user named."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def read_text(path: Path) -> str:
    """Read a text that the user named; `-` is standard input."""
    data = sys.stdin.buffer.read() if str(path) == STDIN else read_file(path)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} cannot be read: it is not UTF-8 text.") from error


def described(gathered: Gathered, *, title: str, body: str) -> Gathered:
    """The same change with what its author says about it, as a pull request has it."""
    if not title and not body:
        return gathered
    pull_request = PullRequest(
        ref=_UNNAMED,
        title=title,
        body=body,
        author="",
        author_is_bot=False,
        state="open",
        draft=False,
        labels=(),
        base_ref="",
        base_sha="",
        head_ref="",
        head_sha="",
        head_repository=None,
    )
    return replace(gathered, context=replace(gathered.context, pull_request=pull_request))
