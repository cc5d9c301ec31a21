"""`quorum serve`: the receiver, the workers and the dashboard in one process, or a part of them."""

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import uvicorn

from app.logs import configure_logging
from app.main import build_program
from app.serving.app import build_served
from app.serving.connections import LimitedConnection, raise_file_limit
from app.settings import load_settings
from webhooks.bodies import GITHUB_LIMITS, RequestLimits

if TYPE_CHECKING:
    from app.serving.app import Served
    from app.settings import Settings

ENV_FILE = Path(".env")
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
    limits: RequestLimits = GITHUB_LIMITS,
) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code. `limits` are the receiver's."""
    sys.setswitchinterval(SWITCH_S)
    settings = load_settings(env_file=ENV_FILE)
    program = build_program(settings)
    configure_logging(redact=program.services.redactor.redact)
    served = build_served(
        program,
        role=role,
        poll=poll,
        recover=True,
        mcp=True,
        preload=True,
        limits=limits,
        app_slug=settings.github_app_slug,
    )
    _print_tokens(served, settings)
    gc.collect()
    gc.freeze()  # what is loaded by now stays for the life of the process, so the collector can skip it
    uvicorn.run(
        served.http,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        ws="none",
        server_header=False,
        http=LimitedConnection,
        limit_concurrency=raise_file_limit(),
        timeout_graceful_shutdown=GRACE_S,
    )
    return 0


def _print_tokens(served: "Served", settings: "Settings") -> None:
    if settings.quorum_dashboard_token is None and served.dashboard_token:
        sys.stderr.write(f"quorum: the dashboard's token is {served.dashboard_token}\n")
    if settings.quorum_mcp_token is None and served.mcp_token:
        sys.stderr.write(f"quorum: the token of /mcp is {served.mcp_token}\n")
