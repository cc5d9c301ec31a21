"""The list of deliveries, and the button that runs one again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.dashboard.access import is_same_origin
from app.dashboard.rendering import Templates
from app.domain.viewer import Viewer
from app.store.dashboard.lists import load_deliveries
from app.store.dashboard.review_list import parse_cursor
from app.store.database import Database
from app.store.deliveries import UNFINISHED, DeliveryState, load_delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPages:
    """The routes `/deliveries` and `/deliveries/{guid}/replay`; without `replay_delivery`, the list only shows."""

    database: Database
    templates: Templates
    clock: Callable[[], datetime]
    github_url: str
    has_bearer: Callable[[Request], bool]
    replay_delivery: Callable[[str], Awaitable[bool]] | None

    async def show_list(self, request: Request, viewer: Viewer) -> Response:
        """`/deliveries`: the accepted webhook deliveries and the state of their jobs."""
        state = request.query_params.get("state", "")
        after = parse_cursor(request.query_params.get("after", ""))
        page = await asyncio.to_thread(load_deliveries, self.database, viewer, state=state, after=after)
        return self.templates.page(
            "deliveries.html",
            viewer=viewer,
            now=self.clock(),
            github_url=self.github_url,
            page=page,
            state=state,
            states=[each.value for each in DeliveryState],
            is_first=after is None,
            message=request.query_params.get("message", ""),
            can_replay=viewer.is_operator and self.replay_delivery is not None,
        )

    async def replay(self, request: Request, viewer: Viewer) -> Response:
        """Run a delivery again; only for the operator, and only from our own form."""
        guid = request.path_params["guid"]
        if not (is_same_origin(request) or self.has_bearer(request)):
            return self._problem(
                viewer, 403, "Request blocked", "This request did not come from the dashboard."
            )
        if not viewer.is_operator or self.replay_delivery is None:
            return self._problem(viewer, 403, "Not allowed", "Only the operator can run deliveries again.")
        row = await asyncio.to_thread(load_delivery, self.database, guid)
        if row and row.state in UNFINISHED:
            return self._problem(
                viewer, 409, "Already in progress", "This delivery is still queued or running."
            )
        if not row or not await self.replay_delivery(guid):
            return self._problem(viewer, 404, "Not found", "This delivery does not exist.")
        return RedirectResponse("/deliveries?message=replayed", status_code=303)

    def _problem(self, viewer: Viewer, status: int, title: str, message: str) -> Response:
        return self.templates.page("problem.html", status=status, viewer=viewer, title=title, message=message)
