"""What `quorum review` shows while it works: the stations that run now, on stderr, and only on a terminal."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from app.domain.review import StationEvent, StationState, Watch, ignore_events

STATIONS = {
    "snapshot": "read the pull request and its base's configuration",
    "gather": "read the code around the change",
    "analyze": "run the built-in analyzers",
    "review": "review the code",
    "security": "scan for security problems",
    "docs": "document the change",
    "verify": "find the lines, ask another vendor",
    "follow": "check earlier findings",
    "publish": "post review, summary and check runs",
}


@contextmanager
def show_stations() -> Generator[Watch]:
    """Show a line for each running station; it disappears when the station ends."""
    console = Console(stderr=True)
    if not sys.stderr.isatty():
        yield ignore_events
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        running: dict[str, TaskID] = {}

        def show(event: StationEvent) -> None:
            if event.state is StationState.STARTED:
                description = f"{event.station:<9} [dim]{STATIONS.get(event.station, '')}[/]"
                running[event.station] = progress.add_task(description, total=None)
            elif event.station in running:
                progress.remove_task(running.pop(event.station))

        yield show
