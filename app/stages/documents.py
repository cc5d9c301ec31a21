"""The documents of the docs stage in three formats: what to request, and whether a document can be shown.

Without a model, the analyzers' facts become the document. Never fetches anything: an OpenAPI document with external
references is rejected before it is validated.
"""

import json
import re
from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from app.domain.analysis import Analysis
from app.domain.diff import FileDiff
from app.domain.finding import Document

MAX_DOCUMENT_CHARACTERS = 40_000
NO_ROUTES = "No OpenAPI document: the change adds or changes no HTTP route."

# How Flask, FastAPI, Express, Koa, Gin, Echo, net/http, Spring, ASP.NET, Rails and Laravel define routes.
_ROUTE = re.compile(
    r"""@\w+\.(?:get|post|put|patch|delete|route|api_route)\(\s*["']/"""
    r"""|\b(?:app|router|api|server|route|mux|group|e|r|Route)(?:\.|::)(?:get|post|put|patch|delete|all|any|handle|HandleFunc)\(\s*["'`]/"""
    r"""|\bHandleFunc\(\s*["`](?:[A-Z]+ )?/"""
    r"""|@(?:Get|Post|Put|Patch|Delete|Request)Mapping\b"""
    r"""|\[Http(?:Get|Post|Put|Patch|Delete)\b|\bMap(?:Get|Post|Put|Patch|Delete)\(\s*"/"""
    r"""|^\s*(?:get|post|put|patch|delete)\s+["']/[^"']*["']\s*(?:,|=>)""",
    re.IGNORECASE | re.MULTILINE,
)
_LOADING_TAGS = {"img", "map", "area"}

_MARKDOWN = (
    "API documentation as Markdown: for each file with new or changed public symbols one document, `title` its path, "
    "`content` for each symbol: signature, purpose, parameters, result, errors, and an example where use is not obvious. "
    "Otherwise empty."
)
_HTML = _MARKDOWN.replace("Markdown", "plain HTML without scripts, styles and images")
_OPENAPI = (
    "one document: `title` the API's name, `content` a complete OpenAPI 3.1 document as JSON text that holds only the "
    "routes this diff adds or changes, with references only inside the document."
)


def has_routes(files: Iterable[FileDiff]) -> bool:
    """Whether the added lines define an HTTP route."""
    return any(_ROUTE.search("\n".join(file.added_lines().values())) for file in files)


def render_format(docs_format: str, files: Sequence[FileDiff]) -> str:
    """Render what the prompt requests in `documents`."""
    if docs_format == "openapi":
        return _OPENAPI if has_routes(files) else "empty."
    return _HTML if docs_format == "html" else _MARKDOWN


def check_document(docs_format: str, title: str, content: str) -> Document | str:
    """Return the document, safe to show, or a sentence that says why it was left out."""
    if len(content) > MAX_DOCUMENT_CHARACTERS:
        return f"The document {title!r} was left out: it is longer than {MAX_DOCUMENT_CHARACTERS} characters."
    if docs_format == "html":
        content = _sanitized(content)
    elif docs_format == "openapi":
        wrong = _openapi_fault(content)
        if wrong:
            return f"The OpenAPI document {title!r} was left out: {wrong}."
    if not content.strip():
        return f"The document {title!r} was left out: it is empty."
    return Document(format=docs_format, title=title, content=content)


def _sanitized(html: str) -> str:
    import nh3  # a Rust library, only for HTML documents

    return nh3.clean(html, tags=nh3.ALLOWED_TAGS - _LOADING_TAGS, url_schemes={"https", "mailto"})


def analysis_documents(analysis: Analysis) -> tuple[Document, ...]:
    """Render what the analyzers know about the API, as Markdown."""
    changes = [
        f"- `{each.name}` ({each.path}), {each.change}: {each.detail}{' **Breaking.**' if each.breaking else ''}"
        for each in analysis.api_changes
    ]
    if not changes:
        return ()
    return (Document(format="markdown", title="API changes", content="\n".join(changes)),)


def _openapi_fault(content: str) -> str | None:
    # Imported here because the import takes 0.4 s and only this format needs it.
    from openapi_spec_validator import validate
    from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

    try:
        document: JsonValue = json.loads(content)
        if not isinstance(document, dict):
            return "it is not a JSON object"
        if _refers_outside(document):
            return "it refers to something outside itself"
        validate(document)
    except OpenAPIValidationError as error:
        message = str(error).split("\n", 1)[0]
        return f"it is not valid: {message[:200]}"
    except (ValueError, RecursionError):
        return "it is not JSON"
    except Exception as error:  # noqa: BLE001 - the validator raises what its resolver raises
        return f"it cannot be validated ({type(error).__name__})"
    return None


def _refers_outside(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return any(
            (key in ("$ref", "$dynamicRef", "$id", "operationRef") and not str(inner).startswith("#"))
            or _refers_outside(inner)
            for key, inner in value.items()
        )
    return isinstance(value, list) and any(_refers_outside(inner) for inner in value)
