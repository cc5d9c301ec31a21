"""What `quorum demo` shows in the terminal: the steps as they run, then the review as it appears on the pull request."""

import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.panel import Panel
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from app.commands.review_progress import STATIONS
from app.domain.model_call import Outcome
from app.domain.review import StationEvent, StationState
from app.store.model_calls import CallLine
from app.store.review_tables import ReviewRow
from github_sandbox import Pull
from github_sandbox.state import ReviewComment

MARKS = {StationState.FINISHED: "[green]✓[/]", StationState.FAILED: "[red]✗[/]"}
_CHECK_COLORS = {"success": "green", "neutral": "yellow", "failure": "red", "cancelled": "dim"}
_SUMMARY = re.compile(r"<summary>((?:[^<]|<(?!/?summary>))*)</summary>")
_AGENT_FOLD, _FOLD_END = "<details><summary>Fix with an agent", "</details>"
_TAGS = re.compile(r"<!--(?:[^<-]|<(?!!--)|-(?!->))*-->|</?(?:sub|details|br ?/?)>")


@contextmanager
def show_progress(console: Console) -> Generator[Callable[[StationEvent], None]]:
    """Show one line per step, with its time once it has ended."""
    columns = (SpinnerColumn(finished_text=" "), TextColumn("{task.description}"))
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, TaskID] = {}

        def show(event: StationEvent) -> None:
            description = STATIONS.get(event.station, "")
            if event.state is StationState.STARTED:
                line = f"  {event.station:<9} [dim]{description}[/]"
                tasks[event.station] = progress.add_task(line, total=1)
                return
            time_s = (event.duration_ms or 0) / 1_000
            line = f"{MARKS[event.state]} {event.station:<9} {time_s:6.2f} s  [dim]{description}[/]"
            progress.update(tasks[event.station], description=line, completed=1)

        yield show


class ReviewView:
    """Shows what the App posted."""

    def __init__(self, console: Console, pull: Pull) -> None:
        self._console = console
        self._pull = pull

    def show(self, review: ReviewRow, calls: Sequence[CallLine], *, dashboard: str) -> None:
        """Show what was posted, who answered, the cost and the dashboard's address."""
        self.show_posted()
        if calls:
            self._rule("The model calls")
            self._console.print(_calls(calls))
        self._console.print(_cost(review))
        self._console.print(f"Dashboard: [link={dashboard}]{dashboard}[/link]")

    def show_page(self) -> None:
        """Show where the pull request's page is."""
        url = self._pull.html_url
        self._console.print(f"Pull request: [link={url}]{url}[/link]")
        self._console.print(
            "Comment there as Bob: /rereview, or /fix in the thread of a finding. Both stay open until you press Ctrl-C."
        )

    def show_posted(self) -> None:
        """Show the review, the comments, the summary and the check runs."""
        for posted in self._pull.reviews:
            self._rule("The review")
            self._print(posted.body)
        for comment in self._pull.review_comments():
            self._comment(comment)
        for summary in self._pull.issue_comments:
            self._rule("The summary comment, edited in place by later runs")
            self._print(summary.body)
        self._rule("The check runs")
        self._console.print(self._checks())

    def _rule(self, title: str) -> None:
        self._console.print(Rule(title, align="left", style="cyan"))

    def _print(self, body: str) -> None:
        self._console.print(Padding(_markdown(body), (0, 1)))

    def _comment(self, comment: ReviewComment) -> None:
        line = comment.anchor.line
        place = Text(f"{comment.anchor.path}:{line}" if line else comment.anchor.path, style="bold")
        panel = Panel(_markdown(comment.body), title=place, title_align="left", border_style="dim")
        self._console.print(panel)

    def _checks(self) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 1))
        for run in self._pull.repository.check_runs.values():
            color = _CHECK_COLORS.get(run.conclusion or "", "white")
            table.add_row(run.name, f"[{color}]{run.conclusion}[/]", run.title or "")
        return table


def _calls(calls: Sequence[CallLine]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 1))
    for call in calls:
        is_ok = call.outcome is Outcome.OK
        cost = "" if call.cost_usd is None else f"{call.cost_usd:.4f} USD"
        outcome = f"[{'green' if is_ok else 'yellow'}]{call.outcome}[/]"
        table.add_row(call.stage, f"{call.provider}:{call.model}", outcome, cost)
    return table


def _markdown(body: str) -> Markdown:
    before, _, fold = body.partition(_AGENT_FOLD)  # it repeats the finding for coding agents
    shown = before + fold.partition(_FOLD_END)[2]
    return Markdown(_TAGS.sub("", _SUMMARY.sub(r"**\1**", shown)).strip())


def _cost(review: ReviewRow) -> str:
    time_s = (review.duration_ms or 0) / 1_000
    return f"\nReviewed in {time_s:.1f} s for {review.cost_usd or 0:.4f} USD."
