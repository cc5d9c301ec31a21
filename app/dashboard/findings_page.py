"""The list of findings over all repositories, the page of one finding, exports, and decisions about findings."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.dashboard import exports
from app.dashboard.access import is_same_origin, own_path
from app.dashboard.charts import PROVIDER_NAMES
from app.dashboard.decisions import Decisions, Places, decidable, dismiss_findings, mute_rule, reopen_finding
from app.dashboard.links import line_url, pull_request_url, thread_url
from app.dashboard.rendering import Templates
from app.dashboard.sign_in import read_fields
from app.domain.finding import Severity
from app.domain.viewer import Viewer
from app.gather.selection import Globs
from app.store.dashboard.finding_filter import (
    FindingFilter,
    FindingOrder,
    FindingState,
    parse_finding_cursor,
)
from app.store.dashboard.findings import (
    count_by_severity,
    each_finding,
    load_finding,
    load_findings,
    load_history,
    load_rule_names,
    load_selected,
)
from app.store.dashboard.review_list import load_repository_names
from app.store.database import Database
from app.store.review_tables import FindingRow

AGES = {
    "24h": ("in the last 24 hours", timedelta(hours=24)),
    "7d": ("in the last 7 days", timedelta(days=7)),
    "30d": ("in the last 30 days", timedelta(days=30)),
    "over-7d": ("more than 7 days ago", timedelta(days=7)),
    "over-30d": ("more than 30 days ago", timedelta(days=30)),
}
QUERY_NAMES = (
    "state",
    "severity",
    "repository",
    "rule",
    "path",
    "author",
    "found_by",
    "search",
    "age",
    "order",
)
NOT_FOUND = "This finding does not exist, or you do not have access to it."
NOT_FROM_HERE = "This request did not come from the dashboard."
MAX_PATTERN = 256  # characters, as in the configuration
Fields = Mapping[str, Sequence[str]]
Decide = Callable[[Decisions, Viewer, Sequence[FindingRow], Fields], Places | str]  # a problem as a sentence
MAY_NOT = "You need write access to the repository to decide about its findings."


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPages:
    """The routes under `/findings`. Without `decisions`, the pages only show."""

    database: Database
    templates: Templates
    clock: Callable[[], datetime]
    github_url: str
    has_bearer: Callable[[Request], bool]
    decisions: Decisions | None

    async def show_list(self, request: Request, viewer: Viewer) -> Response:
        """`/findings`: the findings that match the filter in the address."""
        wanted, after = self._wanted(request), parse_finding_cursor(request.query_params.get("after", ""))
        page, counts, repositories, rules = await asyncio.gather(
            asyncio.to_thread(load_findings, self.database, viewer, wanted, after=after),
            asyncio.to_thread(count_by_severity, self.database, viewer, wanted),
            asyncio.to_thread(load_repository_names, self.database, viewer),
            asyncio.to_thread(load_rule_names, self.database, viewer),
        )
        query = _query(request)
        rows = [line.finding for line in page.lines]
        return self._page(
            "findings.html",
            viewer,
            page=page,
            counts=counts,
            total=sum(counts.values()),
            wanted=wanted,
            age=query.get("age", ""),
            query=query,
            here=f"/findings?{urlencode(query)}" if query else "/findings",
            is_first=after is None,
            dismissed=_number(request.query_params.get("dismissed", "")),
            repositories=repositories,
            rules=rules,
            ages={name: text for name, (text, _) in AGES.items()},
            states=list(FindingState),
            orders=list(FindingOrder),
            severities=[each.value for each in Severity],
            providers=PROVIDER_NAMES,
            decidable={row.id for row in decidable(viewer, rows)} if self.decisions else set[str](),
        )

    async def export_csv(self, request: Request, viewer: Viewer) -> Response:
        """`/findings.csv`: everything that matches the filter."""
        lines = exports.csv_lines(self._records(request, viewer), exports.FINDING_COLUMNS)
        return exports.download(lines, name="findings.csv")

    async def export_json(self, request: Request, viewer: Viewer) -> Response:
        """`/findings.json`: everything that matches the filter."""
        return exports.download(exports.json_lines(self._records(request, viewer)), name="findings.json")

    def _records(self, request: Request, viewer: Viewer) -> Iterator[dict[str, exports.Cell]]:
        for line in each_finding(self.database, viewer, self._wanted(request)):
            yield exports.finding_record(line, github_url=self.github_url)

    async def show(self, request: Request, viewer: Viewer) -> Response:
        """`/findings/{finding_id}`: one finding."""
        finding_id = request.path_params["finding_id"]
        line = await asyncio.to_thread(load_finding, self.database, viewer, finding_id)
        if line is None:
            return self._problem(viewer, 404, "Not found", NOT_FOUND)
        finding = line.finding
        return self._page(
            "finding.html",
            viewer,
            finding=finding,
            line=line,
            history=await asyncio.to_thread(load_history, self.database, finding),
            pull_request_url=pull_request_url(self.github_url, finding),
            line_url=line_url(self.github_url, finding, line.head_sha),
            thread_url=thread_url(self.github_url, finding),
            may_decide=self.decisions is not None
            and viewer.may_write(finding.installation_id, finding.repository),
        )

    async def dismiss(self, request: Request, viewer: Viewer) -> Response:
        """Dismiss the selected findings, with a reason."""

        def dismiss(
            decisions: Decisions, person: Viewer, rows: Sequence[FindingRow], fields: Fields
        ) -> Places | str:
            return dismiss_findings(decisions, person, rows, reason=fields.get("reason", [""])[0])

        return await self._decide(request, viewer, dismiss)

    async def reopen(self, request: Request, viewer: Viewer) -> Response:
        """Reopen a dismissed finding."""

        def reopen(
            decisions: Decisions, person: Viewer, rows: Sequence[FindingRow], fields: Fields
        ) -> Places | str:
            del fields
            return reopen_finding(decisions, person, rows[0]) if rows else {}

        return await self._decide(request, viewer, reopen)

    async def mute(self, request: Request, viewer: Viewer) -> Response:
        """Mute the rule of a finding in a path."""

        def mute(
            decisions: Decisions, person: Viewer, rows: Sequence[FindingRow], fields: Fields
        ) -> Places | str:
            path = fields.get("path", [""])[0].strip()
            if not rows or not path or len(path) > MAX_PATTERN or Globs([path]).invalid:
                return "This path is not a valid glob."
            return mute_rule(decisions, person, rows[0], path=path)

        return await self._decide(request, viewer, mute)

    async def _decide(self, request: Request, viewer: Viewer, decide: Decide) -> Response:
        if not (is_same_origin(request) or self.has_bearer(request)):
            return self._problem(viewer, 403, "Request blocked", NOT_FROM_HERE)
        fields = await read_fields(request)
        ids = fields.get("finding", [])
        rows = await asyncio.to_thread(load_selected, self.database, viewer, ids)
        if ids and not rows:
            return self._problem(viewer, 404, "Not found", NOT_FOUND)
        if self.decisions is None or (rows and not decidable(viewer, rows)):
            return self._problem(viewer, 403, "Not allowed", MAY_NOT)
        places = await asyncio.to_thread(decide, self.decisions, viewer, rows, fields)
        if isinstance(places, str):
            return self._problem(viewer, 400, "Not done", places)
        for installation_id, ref in places:
            await self.decisions.refresh(ref, installation_id=installation_id)
        to = own_path(fields.get("to", ["/findings"])[0])
        if to.startswith("/findings/"):
            return RedirectResponse(to, status_code=303)
        count = sum(map(len, places.values()))
        separator = "&" if "?" in to else "?"
        return RedirectResponse(f"{to}{separator}dismissed={count}", status_code=303)

    def _wanted(self, request: Request) -> FindingFilter:
        query = request.query_params
        age = query.get("age", "")
        _, span = AGES.get(age, ("", None))
        limit = self.clock() - span if span else None
        return FindingFilter(
            state=_member(FindingState, query.get("state", ""), FindingState.OPEN),
            severity=query.get("severity", ""),
            repository=query.get("repository", ""),
            rule=query.get("rule", ""),
            path=query.get("path", "").strip(),
            author=query.get("author", "").strip(),
            found_by=query.get("found_by", ""),
            search=query.get("search", ""),
            found_before=limit if age.startswith("over") else None,
            found_after=None if age.startswith("over") else limit,
            order=_member(FindingOrder, query.get("order", ""), FindingOrder.SEVERITY),
        )

    def _page(self, name: str, viewer: Viewer, **values: Any) -> Response:  # noqa: ANN401 - depends on the template
        return self.templates.page(
            name, viewer=viewer, now=self.clock(), github_url=self.github_url, **values
        )

    def _problem(self, viewer: Viewer, status: int, title: str, message: str) -> Response:
        return self.templates.page("problem.html", status=status, viewer=viewer, title=title, message=message)


Choice = TypeVar("Choice", bound=StrEnum)


def _member(choices: type[Choice], text: str, default: Choice) -> Choice:
    return next((each for each in choices if each == text), default)


def _query(request: Request) -> Mapping[str, str]:
    """Return what the address says about the filter, without empty values."""
    return {name: request.query_params[name] for name in QUERY_NAMES if request.query_params.get(name)}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
