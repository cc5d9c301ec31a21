"""Limits the connections to the server: how long each may take, and how many there may be at a time.

uvicorn waits for headers and for a slow reader without end, and above its limit it answers 503 to everybody. Here, a new
connection takes the place of the one that has waited longest without a request, so there is always room for GitHub.
"""

import asyncio
import resource
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

MAX_CONNECTIONS = 1_000
OTHER_FILES = 256  # descriptors for the database, for git, and for requests to GitHub and models
RECEIVE_BYTES = 64 * 1024  # of one connection at a time; with asyncio's 256 KiB, a thousand need 250 MiB
WANTED_FILES = MAX_CONNECTIONS + OTHER_FILES


class Phase(IntEnum):
    """What a connection is doing. At the limit, connections of a lower phase give way first."""

    WAITING = 0  # for the headers of a request
    REFUSED = 1  # answered before its body arrived; the rest of the body is discarded
    STALLED = 2  # the client does not read the response
    SENDING = 3  # its body is arriving
    WORKING = 4  # the App is answering


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTimeouts:
    """How long a connection may stay in a phase; the work itself has its own timeouts."""

    waiting_s: float = 10.0
    refused_s: float = 2.0  # long enough for the client to read the response
    stalled_s: float = 20.0
    sending_s: float = 12.0  # longer than the receiver's, which answers 408

    def of(self, phase: Phase) -> float | None:
        """Return the seconds; None if there is no limit."""
        return {
            Phase.WAITING: self.waiting_s,
            Phase.REFUSED: self.refused_s,
            Phase.STALLED: self.stalled_s,
            Phase.SENDING: self.sending_s,
        }.get(phase)


class LimitedConnection(H11Protocol):
    """One connection, with a timeout for its phase. uvicorn's `limit_concurrency` is the number of connections."""

    timeouts: ClassVar[ConnectionTimeouts] = ConnectionTimeouts()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._phase: Phase | None = None
        self._since_s = 0.0
        self._expiry: asyncio.TimerHandle | None = None
        self._is_stalled = False

    @property
    def precedence(self) -> tuple[int, float]:
        """The connection with the lowest value gives way first."""
        return self._phase or 0, self._since_s

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for the connection, and wait for its headers."""
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency - 1:
            self._replace_another()
        super().connection_made(transport)
        setattr(transport, "max_size", RECEIVE_BYTES)  # noqa: B010 - asyncio's transports have it; their type has not
        self._update_phase()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout."""
        if self._expiry:
            self._expiry.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Handle the data, which may begin or complete a request."""
        super().data_received(data)
        self._update_phase()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of a body that nobody needs."""
        super().on_response_complete()
        self._update_phase()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        self._is_stalled = True
        self._update_phase()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._is_stalled = False
        self._update_phase()

    def _replace_another(self) -> None:
        others = (each for each in self.connections if isinstance(each, LimitedConnection))
        first = min(others, key=lambda each: each.precedence, default=None)
        if first and first.precedence[0] < Phase.WORKING:
            first.drop()

    def drop(self) -> None:
        """Close the connection now, and free its place."""
        self.connections.discard(self)
        self.transport.abort()

    def _update_phase(self) -> None:
        phase = self._current_phase()
        if phase == self._phase:
            return
        self._phase, self._since_s = phase, self.loop.time()
        if self._expiry:
            self._expiry.cancel()
        after_s = self.timeouts.of(phase)
        self._expiry = self.loop.call_later(after_s, self.drop) if after_s is not None else None

    def _current_phase(self) -> Phase:
        if self._is_stalled:
            return Phase.STALLED
        is_arriving = self.conn.their_state is h11.SEND_BODY
        if not self.cycle or self.cycle.response_complete:
            return Phase.REFUSED if is_arriving else Phase.WAITING
        return Phase.SENDING if is_arriving else Phase.WORKING


def raise_file_limit() -> int:
    """Raise the limit of open files if it is low and the system permits; returns how many connections fit below it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < WANTED_FILES:
        soft = min(hard, WANTED_FILES) if hard != resource.RLIM_INFINITY else WANTED_FILES
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(MAX_CONNECTIONS, max(soft - OTHER_FILES, soft // 2))
