"""What repositories have taught Quorum: rules learned from dismissals, muted rules, and remembered instructions."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.dashboard.access import is_same_origin
from app.dashboard.decisions import OPERATOR_NAME
from app.dashboard.rendering import Templates
from app.dashboard.sign_in import read_form
from app.domain.viewer import Viewer
from app.store.dashboard.teaching import load_visible_remembered, load_visible_rules
from app.store.database import Database
from app.store.findings import record_rules_removed
from app.store.remembered import forget


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePages:
    """The routes `/rules`, `/rules/remove` and `/remembered/remove`."""

    database: Database
    templates: Templates
    clock: Callable[[], datetime]
    has_bearer: Callable[[Request], bool]

    async def show_list(self, request: Request, viewer: Viewer) -> Response:
        """`/rules`: active rules first, then instructions."""
        removed = request.query_params.get("message", "") == "removed"
        return self.templates.page(
            "rules.html",
            viewer=viewer,
            now=self.clock(),
            is_removed=removed,
            rules=await asyncio.to_thread(load_visible_rules, self.database, viewer),
            remembered=await asyncio.to_thread(load_visible_remembered, self.database, viewer),
        )

    async def remove(self, request: Request, viewer: Viewer) -> Response:
        """Remove a rule, so that its findings are shown again."""
        return await self._remove(request, viewer, self._remove_rule)

    async def forget(self, request: Request, viewer: Viewer) -> Response:
        """Forget an instruction, as `/forget` does."""
        return await self._remove(request, viewer, self._forget)

    async def _remove(
        self, request: Request, viewer: Viewer, remove: Callable[[Viewer, str, datetime], bool]
    ) -> Response:
        if not (is_same_origin(request) or self.has_bearer(request)):
            message = "This request did not come from the dashboard."
            return self._problem(viewer, 403, "Request blocked", message)
        id_ = (await read_form(request)).get("id", "")
        if not await asyncio.to_thread(remove, viewer, id_, self.clock()):
            message = "This entry does not exist, or you do not have write access to its repository."
            return self._problem(viewer, 404, "Not found", message)
        return RedirectResponse("/rules?message=removed", status_code=303)

    def _remove_rule(self, viewer: Viewer, id_: str, at: datetime) -> bool:
        row = next((each for each in load_visible_rules(self.database, viewer) if each.id == id_), None)
        if row is None or not viewer.may_write(row.installation_id, row.repository):
            return False
        by = viewer.login or OPERATOR_NAME
        return record_rules_removed(self.database, [id_], by=by, at=at) > 0

    def _forget(self, viewer: Viewer, id_: str, at: datetime) -> bool:
        row = next((each for each in load_visible_remembered(self.database, viewer) if each.id == id_), None)
        if row is None or not viewer.may_write(row.installation_id, row.repository):
            return False
        by = viewer.login or OPERATOR_NAME
        return forget(self.database, row.installation_id, row.repository, id_, by=by, at=at) is not None

    def _problem(self, viewer: Viewer, status: int, title: str, message: str) -> Response:
        return self.templates.page("problem.html", status=status, viewer=viewer, title=title, message=message)
