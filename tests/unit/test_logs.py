"""Log lines are JSON with the ids of their job, and contain no secrets."""

import io
import json
import logging
from collections.abc import Callable, Generator
from typing import Any

import pytest

from app.logs import VERBOSE_LOGGERS, JsonFormatter, bound, configure_logging


def lines(log: Callable[[logging.Logger], None], *, name: str = "app.test") -> list[dict[str, Any]]:
    """Return the lines that a function writes to its logger."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(lambda text: text.replace("hunter2", "[REDACTED]")))
    logger = logging.Logger(name)  # noqa: LOG001 - outside of the logger tree
    logger.addHandler(handler)
    log(logger)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_the_ids_of_its_job_and_no_others() -> None:
    def work(logger: logging.Logger) -> None:
        with bound(delivery="guid-1"):
            with bound(review="r1"):
                logger.info("in both")
            logger.info("in one")
        logger.info("in none")

    found = [(line.get("delivery"), line.get("review")) for line in lines(work)]
    assert found == [("guid-1", "r1"), ("guid-1", None), (None, None)]


def test_untrusted_text_cannot_start_a_second_line() -> None:
    (line,) = lines(lambda logger: logger.info("event %s", 'x\n{"level": "error"}\r\n\u2028'))
    assert line["level"] == "info"
    assert len(lines(lambda logger: logger.info("a" * 1_000_000))[0]["message"]) <= 2_000


def test_extra_fields_are_part_of_the_line_and_are_redacted() -> None:
    fields = {"outcome": "ok", "latency_ms": 12, "cost_usd": None, "error": "the key hunter2 is wrong"}
    (line,) = lines(lambda logger: logger.info("model call", extra=fields))
    assert {name: line[name] for name in fields} == {**fields, "error": "the key [REDACTED] is wrong"}


def test_the_ids_of_the_job_override_fields_of_the_same_name() -> None:
    with bound(pull_request="octo/shop#7"):
        (line,) = lines(lambda logger: logger.info("model call", extra={"pull_request": 7}))
    assert line["pull_request"] == "octo/shop#7"


def test_only_the_message_of_a_librarys_line_is_kept() -> None:
    (line,) = lines(lambda logger: logger.info("started", extra={"color_message": "x"}), name="uvicorn.error")
    assert set(line) == {"time", "level", "logger", "message"}


def test_an_error_is_logged_with_its_locations_and_without_variables_or_secrets() -> None:
    def refuse(password: str) -> None:
        raise ValueError(f"the password is {password}")

    def fail(logger: logging.Logger) -> None:
        try:
            refuse("hunter2")
        except ValueError:
            logger.exception("it failed")

    (line,) = lines(fail)
    assert line["error"] == "ValueError: the password is [REDACTED]"
    assert "test_logs.py" in line["at"]
    assert "hunter2" not in json.dumps(line)


@pytest.fixture
def written() -> Generator[io.StringIO]:
    """Capture what the whole process logs, and restore all loggers afterward."""
    root = logging.getLogger()
    handlers, levels = (
        root.handlers[:],
        {name: logging.getLogger(name).level for name in ("", *VERBOSE_LOGGERS)},
    )
    server = logging.getLogger("uvicorn")
    propagates, server.propagate = (
        server.propagate,
        True,
    )  # the servers of other tests may have configured it
    stream = io.StringIO()
    configure_logging(redact=str, stream=stream)
    yield stream
    root.handlers[:] = handlers
    server.propagate = propagates
    for name, level in levels.items():
        logging.getLogger(name or None).setLevel(level)


def test_libraries_log_warnings_only(written: io.StringIO) -> None:
    for name in ("app.engine", "quorum.llm", "webhooks.receiver", "uvicorn.error", "httpx2", "a.new.library"):
        logging.getLogger(name).info("an info")
        logging.getLogger(name).warning("a warning")
    logged = [(line["logger"], line["message"]) for line in map(json.loads, written.getvalue().splitlines())]
    verbose = ["app.engine", "quorum.llm", "webhooks.receiver", "uvicorn.error"]
    assert [name for name, message in logged if message == "an info"] == verbose
    assert [name for name, message in logged if message == "a warning"] == [
        *verbose,
        "httpx2",
        "a.new.library",
    ]
