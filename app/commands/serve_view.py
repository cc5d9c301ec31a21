"""What `quorum serve` tells a person on a terminal: where the dashboard is, and one line for each review."""

import logging
import threading
import time
from typing import TYPE_CHECKING

from rich.console import Console

from app.domain.review import ReviewStatus, StationEvent, StationState
from app.store.database import Database
from app.store.findings import count_severities
from app.store.reviews import load_review

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.store.review_tables import ReviewRow

LAST_STATION = "publish"
WAIT_S, POLL_S = 60.0, 0.5


class PlainFormatter(logging.Formatter):
    """Formats warnings and errors for people; `redact` is applied to all text."""

    def __init__(self, redact: "Callable[[str], str]") -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a newline and without a traceback."""
        return self._redact(f"{record.levelname.lower()}: {record.getMessage()}")


class ServeView:
    """Prints to stderr. `watch` may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._database = database

    def greet(self, *, url: str, token: str | None, mcp_token: str | None, polls: bool) -> None:
        """Say where everything is."""
        self._console.print("[bold]Quorum is running.[/] Press Ctrl-C to stop.")
        self._console.print(f"Dashboard  {url}/")
        if token:
            self._console.print(f"           token: {token}")
        if mcp_token:
            self._console.print(f"MCP        {url}/mcp")
            self._console.print(f"           token: {mcp_token}")
        webhooks = "polling the App's delivery log every ten seconds" if polls else f"{url}/webhooks/github"
        self._console.print(f"Webhooks   {webhooks}")

    def watch(self, event: StationEvent) -> None:
        """Print a line when a review has ended."""
        if event.station == LAST_STATION and event.state is not StationState.STARTED:
            threading.Thread(target=self._report, args=(event.review_id,), daemon=True).start()

    def _report(self, review_id: str) -> None:
        deadline_s = time.monotonic() + WAIT_S
        while time.monotonic() < deadline_s:
            review = load_review(self._database, review_id)
            if review is not None and review.finished_at is not None:
                found = count_severities(self._database, review_id)
                self._console.print(_line(review, found), markup=False)
                return
            time.sleep(POLL_S)


def _line(review: "ReviewRow", found: dict[str, int]) -> str:
    counts = ", ".join(f"{number} {severity}" for severity, number in found.items()) or "no findings"
    result = counts if review.status == ReviewStatus.COMPLETED else review.status
    place = f"{review.repository}#{review.pull_request}"
    duration_s, cost_usd = (review.duration_ms or 0) / 1_000, review.cost_usd or 0
    return f"{review.finished_at:%H:%M:%S}  {place}  {result}  {duration_s:.1f} s  {cost_usd:.4f} USD"
