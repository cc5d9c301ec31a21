"""`quorum serve`: the receiver, the workers and the dashboard in one process, or a part of them."""

import errno
import gc
import logging
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import uvicorn

from app.domain.review import ignore_events
from app.errors import ConfigurationError
from app.logs import VERBOSE_LOGGERS, configure_logging
from app.main import build_program
from app.serving.app import build_served
from app.serving.connections import LimitedConnection, raise_file_limit
from app.settings import load_settings
from webhooks.bodies import GITHUB_LIMITS, RequestLimits

if TYPE_CHECKING:
    from app.commands.serve_view import ServeView
    from app.main import Program
    from app.serving.app import Served
    from app.settings import Settings

ENV_FILE = Path(".env")
BACKLOG = 2_048  # uvicorn's
GRACE_S = 20  # Docker and systemd wait longer before they kill the process
SWITCH_S = (
    0.001  # the interpreter's switch interval: busy threads delay the receiver less than with the default
)


def serve(
    *,
    host: str,
    port: int,
    role: Literal["web", "worker", "all"],
    poll: bool,
    json_logs: bool = False,
    limits: RequestLimits = GITHUB_LIMITS,
) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code. `limits` are the receiver's.

    On a terminal it speaks to a person, unless `json_logs`.
    """
    sys.setswitchinterval(SWITCH_S)
    settings = load_settings(env_file=ENV_FILE)
    with _listen(host, port) as listener:
        return _serve(listener, settings, role=role, poll=poll, json_logs=json_logs, limits=limits)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except UnicodeError as error:
        raise ConfigurationError(f"{host!r} is not a host name.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"Port {port} is in use. Stop the program that uses it, or choose another with --port."
            ) from error
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise ConfigurationError(f"Cannot listen on {host}, port {port}: {reason}.") from error


def _serve(
    listener: socket.socket,
    settings: "Settings",
    *,
    role: Literal["web", "worker", "all"],
    poll: bool,
    json_logs: bool,
    limits: RequestLimits,
) -> int:
    program = build_program(settings)
    redact = program.services.redactor.redact
    configure_logging(redact=redact)
    view = None if json_logs or not sys.stderr.isatty() else _open_view(program)
    served = build_served(
        program,
        watch=view.watch if view else ignore_events,
        role=role,
        poll=poll,
        recover=True,
        mcp=True,
        preload=True,
        limits=limits,
        app_slug=settings.github_app_slug,
    )
    if view:
        host, port, *_ = listener.getsockname()
        view.greet(
            url=f"http://{f'[{host}]' if ':' in host else host}:{port}",
            token=None if settings.quorum_dashboard_token else served.dashboard_token,
            mcp_token=None if settings.quorum_mcp_token else served.mcp_token,
            polls=poll,
        )
    else:
        _print_tokens(served, settings)
    gc.collect()
    gc.freeze()  # what is loaded by now stays for the life of the process, so the collector can skip it
    config = uvicorn.Config(
        served.http,
        log_config=None,
        access_log=False,
        ws="none",
        server_header=False,
        http=LimitedConnection,
        limit_concurrency=raise_file_limit(),
        timeout_graceful_shutdown=GRACE_S,
    )
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _open_view(program: "Program") -> "ServeView":
    """Load the terminal's libraries, and log only warnings, as sentences."""
    from app.commands.serve_view import PlainFormatter, ServeView

    logging.getLogger().handlers[0].setFormatter(PlainFormatter(program.services.redactor.redact))
    for name in VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    return ServeView(program.database)


def _print_tokens(served: "Served", settings: "Settings") -> None:
    if settings.quorum_dashboard_token is None and served.dashboard_token:
        sys.stderr.write(f"quorum: the dashboard's token is {served.dashboard_token}\n")
    if settings.quorum_mcp_token is None and served.mcp_token:
        sys.stderr.write(f"quorum: the token of /mcp is {served.mcp_token}\n")
