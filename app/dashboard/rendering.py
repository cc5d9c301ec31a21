"""Templates and static files of the pages. Everything that a page shows is escaped; static files are a closed set.

The policy of `SECURITY_HEADERS` allows no inline script and no inline style, so templates hold neither.
"""

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.dashboard import formats
from app.dashboard.access import SECURITY_HEADERS
from app.dashboard.charts import NAMES
from app.dashboard.statistics import wilson_interval

HERE = Path(__file__).parent
YEAR_S = 31_536_000
_CODE_SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """A file of `static/`, read once."""

    body: bytes
    media_type: str
    version: str  # of its content


class StaticFiles:
    """Every file under `static/` by its relative name; nothing else can be asked for."""

    def __init__(self, root: Path = HERE / "static") -> None:
        self._files = {
            path.relative_to(root).as_posix(): _static_file(path)
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    def url(self, name: str) -> str:
        """The file's address, which changes with its content."""
        return f"/static/{name}?v={self._files[name].version}"

    def answer(self, request: Request) -> Response:
        """The file, to be kept for ever; 404 for any other name."""
        file = self._files.get(request.path_params["name"])
        if file is None:
            return Response("There is no such file.", status_code=404, media_type="text/plain")
        kept = f"public, max-age={YEAR_S}, immutable"
        headers = SECURITY_HEADERS | {"Cache-Control": kept}
        return Response(file.body, media_type=file.media_type, headers=headers)


def _static_file(path: Path) -> StaticFile:
    body = path.read_bytes()
    media_type = mimetypes.types_map.get(path.suffix, "text/plain")
    return StaticFile(body=body, media_type=media_type, version=hashlib.sha256(body).hexdigest()[:12])


class Templates:
    """Renders `templates/*.html`."""

    def __init__(self, static: StaticFiles, *, is_open: bool) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            finalize=_shown,
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
            "moment": formats.moment,
            "prose": prose,
            "vendor": _vendor,
            "combine": _combine,
        }
        self._environment.filters.update(filters)
        shared: dict[str, Any] = {
            "asset": static.url,
            "plural": formats.plural,
            "ago_of": formats.ago,
            "wilson_interval": wilson_interval,
            "is_open": is_open,
        }
        self._environment.globals.update(shared)

    def render(self, name: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template names
        """The text of a template."""
        return self._environment.get_template(name).render(**values)

    def page(self, name: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - as above
        """A whole page."""
        return HTMLResponse(self.render(name, **values), status_code=status, headers=SECURITY_HEADERS)


def prose(text: str) -> Markup:
    """What models write, escaped; only `code spans` become code."""
    pieces = _CODE_SPAN.split(printable(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else piece for place, piece in enumerate(pieces)
    )


def _vendor(name: str) -> str:
    return NAMES.get(name, name)


def _combine(query: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    return {**query, **more}


def _shown(value: object) -> object:
    """Every value that a template puts out goes through here, before it is escaped."""
    if isinstance(value, Markup):
        return value
    return printable(value) if isinstance(value, str) else value


def printable(text: str) -> str:
    """Text without what changes how its neighbours are read: controls, bidirectional marks and lone surrogates show as `\\u202e`."""
    return "".join(
        char if char in "\n\t" or char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )
