"""What holds for every test: no way out of the machine, and nothing of the operator's environment.

pytest-socket ends connections to other hosts; here a name is not even looked up, and the test fails though the code
under test may have taken the refusal for an outage: a vendor's client that was built without a transport of the test's
ends here.
"""

import gc
import os
import sys
from collections.abc import Generator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

LOOPBACK = ("localhost", "127.", "::1")
OPERATORS = ("QUORUM_", "GITHUB_", "ANTHROPIC_", "OPENAI_", "GEMINI_", "GOOGLE_", "AWS_", "AZURE_")
_reached: list[str] = []


def pytest_configure() -> None:
    """Before anything is imported that reads the environment; processes that tests start inherit it."""
    for name in [name for name in os.environ if name.startswith(OPERATORS)]:
        del os.environ[name]
    os.environ.pop("COLUMNS", None)  # readline sets it, and pytest-xdist's workers inherit it
    sys.addaudithook(_refuse_strangers)
    # Limits of time say something of the machine; where `CI` is set Hypothesis' own profile is the parent of this one.
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")
    gc.set_threshold(100_000, 50, 100)  # imports leave hardly any garbage, and much to look at


def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: one worker more than processors, because some tests wait for processes that they have started.

    Every worker imports the program and collects all tests again, so more workers cost more than they win.
    """
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """What is imported by now lives as long as the run: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """pytest collects five times at its end, for complaints of what is thrown away: there is nothing left after the first time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    """Fail the test that reached out."""
    yield
    reached = take_reached()
    assert not reached, f"this test reached for the network: {reached}"


def take_reached() -> list[str]:
    """The hosts that were asked for, and forget them."""
    reached, _reached[:] = list(_reached), []
    return reached


def _refuse_strangers(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: https://docs.python.org/3/library/audit_events.html"""
    host = _host_of(event, arguments)
    if host and not host.startswith(LOOPBACK):
        _reached.append(host)
        raise ConnectionRefusedError(f"a test must not reach {host}")


def _host_of(event: str, arguments: Sequence[Any]) -> str:
    """Who is asked for; empty where it is nobody, or this machine by another way than by its name."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and not isinstance(arguments[1], str | bytes):  # those are Unix sockets
        host = arguments[1][0]
    else:
        return ""
    return host.decode() if isinstance(host, bytes) else str(host or "")
