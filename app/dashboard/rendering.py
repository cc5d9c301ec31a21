"""Templates and static files of the pages. Templates escape everything they show.

`SECURITY_HEADERS` forbids inline scripts and styles, so templates contain neither.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Scope

from app.dashboard import formats
from app.dashboard.access import SECURITY_HEADERS
from app.dashboard.charts import PROVIDER_NAMES
from app.dashboard.formats import wilson_interval
from app.dashboard.triggers import plain_trigger

HERE = Path(__file__).parent
STATIC = HERE / "static"
_CODE_SPAN = re.compile(r"`([^`\n]+)`")


class DashboardFiles(StaticFiles):
    """The files of `static/`, with the security headers of the pages."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Add the security headers."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(SECURITY_HEADERS)
        return response


@cache
def static_url(name: str) -> str:
    """Return the URL of a static file, which changes with its content."""
    version = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={version}"


class Templates:
    """Renders `templates/*.html`."""

    def __init__(self, *, is_open: bool) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            finalize=_printable_value,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        filters: dict[str, Any] = {
            "usd": formats.usd,
            "number": formats.number,
            "compact": formats.compact,
            "percent": formats.percent,
            "ms": formats.milliseconds,
            "timestamp": formats.timestamp,
            "worth": formats.worth,
            "hours": formats.hours,
            "change": formats.change,
            "prose": prose,
            "provider_name": _provider_name,
            "combine": _combine,
        }
        self._environment.filters.update(filters)
        shared: dict[str, Any] = {
            "asset": static_url,
            "plural": formats.plural,
            "ago_of": formats.ago,
            "wilson_interval": wilson_interval,
            "is_open": is_open,
            "plain_trigger": plain_trigger,
        }
        self._environment.globals.update(shared)

    def render(self, name: str, **values: Any) -> str:  # noqa: ANN401 - depends on the template
        """Render a template to text."""
        return self._environment.get_template(name).render(**values)

    def page(self, name: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - as above
        """Render a template to a response."""
        return HTMLResponse(self.render(name, **values), status_code=status, headers=SECURITY_HEADERS)


def prose(text: str) -> Markup:
    """Escape text written by models; only `code spans` become markup."""
    pieces = _CODE_SPAN.split(printable(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if index % 2 else piece for index, piece in enumerate(pieces)
    )


def _provider_name(name: str) -> str:
    return PROVIDER_NAMES.get(name, name)


def _combine(query: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    return {**query, **more}


def _printable_value(value: object) -> object:
    """Convert every value that a template outputs, before it is escaped."""
    if isinstance(value, Markup):
        return value
    return printable(value) if isinstance(value, str) else value


def printable(text: str) -> str:
    """Escape control characters, bidirectional marks, and lone surrogates, e.g. as `\\u202e`."""
    if text.isprintable():
        return text
    return "".join(
        char if char in "\n\t" or char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )
