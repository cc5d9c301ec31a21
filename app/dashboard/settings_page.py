"""The effective configuration of each repository, and a check of a file before it is committed."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.dashboard.access import is_same_origin
from app.dashboard.rendering import Templates
from app.dashboard.sign_in import read_fields
from app.domain.viewer import Viewer
from app.gather import parse_configuration
from app.store.dashboard.teaching import load_visible_settings
from app.store.database import Database

MAX_FILE_BYTES = 200_000  # of the form, in which most characters take three bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPages:
    """The routes `/settings` and `/settings/check`."""

    database: Database
    templates: Templates
    clock: Callable[[], datetime]
    has_bearer: Callable[[Request], bool]

    async def show(self, request: Request, viewer: Viewer) -> Response:
        """`/settings`: the configuration of a repository, of the first one if the address names none."""
        return await self._show(request, viewer, text=None)

    async def check(self, request: Request, viewer: Viewer) -> Response:
        """Check a pasted file; stores nothing."""
        if not (is_same_origin(request) or self.has_bearer(request)):
            return self.templates.page(
                "problem.html",
                status=403,
                viewer=viewer,
                title="Request blocked",
                message="This request did not come from the dashboard.",
            )
        fields = await read_fields(request, max_bytes=MAX_FILE_BYTES, max_fields=10)
        return await self._show(request, viewer, text=fields.get("text", [""])[0])

    async def _show(self, request: Request, viewer: Viewer, *, text: str | None) -> Response:
        rows = await asyncio.to_thread(load_visible_settings, self.database, viewer)
        name = request.query_params.get("repository", "")
        row = next((each for each in rows if each.repository == name), rows[0] if rows else None)
        return self.templates.page(
            "settings.html",
            viewer=viewer,
            now=self.clock(),
            repositories=list(dict.fromkeys(each.repository for each in rows)),
            row=row,
            entries=_ordered(
                {key: (value, origin) for key, (value, origin) in row.entries.items()} if row else {}
            ),
            text=text or "",
            checked=None if text is None else await asyncio.to_thread(check_file, text),
        )


def check_file(text: str) -> dict[str, Any]:
    """Return the problems of a file, and the values that it sets."""
    found = parse_configuration(text.replace("\r\n", "\n").encode("utf-8", "replace"))
    entries: dict[str, tuple[str, str]] = {
        key: (json.dumps(value, ensure_ascii=False, default=str), found.origins[key])
        for key, value in asdict(found.config).items()
        if found.origins[key] != "default"
    }
    return {"problems": found.problems, "entries": _ordered(entries)}


def _ordered(entries: dict[str, tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return key, value and origin, those that somebody set first."""
    lines = [(key, value, origin) for key, (value, origin) in entries.items()]
    return sorted(lines, key=lambda line: (line[2] == "default", line[0]))
