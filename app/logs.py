"""Log lines as JSON, each with the ids of its job. They never contain prompts, diffs, local variables, or secrets.

The `extra` of Quorum's own modules becomes fields of the line; libraries' lines keep only their message. An error
appears with its class, its message, and its traceback's locations, redacted and without variables.

Every package logs, so this module depends on none of them.
"""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

OWN_LOGGERS = ("app", "quorum", "webhooks")
VERBOSE_LOGGERS = (*OWN_LOGGERS, "uvicorn.error")  # it also logs the server's address
MAX_MESSAGE_CHARACTERS = 2_000  # a message can quote text from strangers
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
}  # everything that is not `extra`
_ids: ContextVar[dict[str, str]] = ContextVar("log_ids", default={})  # noqa: B039 - never changed in place


@contextmanager
def bound(**ids: str) -> Generator[None]:
    """Add ids (delivery, review, pull_request) to every line logged in the block, in this task and its children."""
    token = _ids.set({**_ids.get(), **ids})
    try:
        yield
    finally:
        _ids.reset(token)


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object; `redact` is applied to all text."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a newline."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._clean(record.getMessage()),
            **self._fields(record),
            **_ids.get(),
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = self._clean(_error_line(record.exc_info[1]))
            line["at"] = _places(record.exc_info[1])
        return json.dumps(line)

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        """Return the caller's `extra`; numbers stay numbers."""
        if record.name.partition(".")[0] not in OWN_LOGGERS:
            return {}
        return {
            name: value if isinstance(value, int | float | None) else self._clean(str(value))
            for name, value in vars(record).items()
            if name not in _STANDARD
        }

    def _clean(self, text: str) -> str:
        return self._redact(text[:MAX_MESSAGE_CHARACTERS])


def _error_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}:{frame.name}" for frame in frames)


def configure_logging(
    *, redact: Callable[[str], str], level: int = logging.INFO, stream: TextIO = sys.stderr
) -> None:
    """Send every log line through one handler; libraries log warnings and errors only."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(redact))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    for name in VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(level)
