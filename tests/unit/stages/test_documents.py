"""Documents are shown only in the requested format, valid and harmless."""

import json

import pytest

from app.domain.analysis import Analysis
from app.domain.configuration import RepositoryConfig
from app.domain.finding import Document, Stage
from app.domain.review import StageResult
from app.stages.documents import MAX_DOCUMENT_CHARACTERS, NO_ROUTES, check_document, has_routes, render_format
from app.stages.run import run_stage
from tests.unit.stages.fakes import EMPTY, FakeModels, added_file, always, context_of, context_with

OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {"/refunds": {"post": {"responses": {"201": {"description": "made"}}}}},
}
ROUTE = added_file("api.py", ['@app.post("/refunds")', "def refund(): ..."])
NO_ROUTE = added_file("pay.py", ["def refund(): ..."])


async def docs(content: str, docs_format: str, *, with_route: bool = True) -> StageResult:
    answer = EMPTY | {"summary": "Adds refunds.", "documents": [{"title": "API", "content": content}]}
    return await run_stage(
        Stage.DOCS,
        context_of([ROUTE if with_route else NO_ROUTE]),
        context_with(FakeModels(always(answer)), config=RepositoryConfig(docs_format=docs_format)),
        analysis=Analysis(),
    )


async def test_a_valid_openapi_document_is_kept() -> None:
    [document] = (await docs(json.dumps(OPENAPI), "openapi")).documents
    assert document.format == "openapi"


async def test_without_a_route_openapi_is_not_applicable() -> None:
    result = await docs(json.dumps(OPENAPI), "openapi", with_route=False)
    assert result.documents == ()
    assert NO_ROUTES in result.notes


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("not json", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ("[" * 100_000, "longer than"),
        (json.dumps({"openapi": "3.1.0"}), "it is not valid"),
        (
            json.dumps(OPENAPI | {"components": {"schemas": {"A": {"$ref": "file:///etc/passwd"}}}}),
            "outside itself",
        ),
        (
            json.dumps(OPENAPI | {"components": {"schemas": {"A": {"$ref": "http://127.0.0.1/x"}}}}),
            "outside itself",
        ),
        (
            json.dumps(OPENAPI | {"components": {"schemas": {"A": {"$ref": "#/components/schemas/Gone"}}}}),
            "left out",
        ),
    ],
)
def test_an_unusable_openapi_document_is_left_out_with_a_reason(document: str, reason: str) -> None:
    checked = check_document("openapi", "API", document)
    assert isinstance(checked, str)
    assert reason in checked


async def test_html_is_sanitized() -> None:
    [document] = (
        await docs(
            '<h1>A</h1><script>x()</script><img src="http://e/x"><a href="javascript:x()">y</a>', "html"
        )
    ).documents
    assert document.content.replace(' rel="noopener noreferrer"', "") == "<h1>A</h1><a>y</a>"


def test_an_empty_or_oversized_document_is_left_out() -> None:
    assert isinstance(check_document("markdown", "A", " \n"), str)
    assert isinstance(check_document("markdown", "A", "x" * (MAX_DOCUMENT_CHARACTERS + 1)), str)
    assert isinstance(check_document("markdown", "A", "x"), Document)


@pytest.mark.parametrize(
    "code",
    [
        '@app.get("/x")',
        '@bp.route("/x", methods=["POST"])',
        'app.post("/x", handler)',
        "router.delete('/x/:id', auth, handler)",
        'mux.HandleFunc("GET /x", h)',
        'http.HandleFunc("/x", h)',
        '    @GetMapping("/x")',
        "[HttpPost]",
        'app.MapGet("/x", () => 1)',
        "Route::get('/x', [C::class, 'x']);",
        "  get '/x', to: 'x#y'",
    ],
)
def test_routes_are_found_in_many_frameworks(code: str) -> None:
    assert has_routes([added_file("a", [code])])


@pytest.mark.parametrize(
    "code", ["cache.get('key')", "x = d.get('/tmp')", "requests.get('https://e')", "def get(): ..."]
)
def test_other_calls_are_not_routes(code: str) -> None:
    assert not has_routes([added_file("a", [code])])


def test_the_model_is_asked_for_the_format_that_applies() -> None:
    assert "OpenAPI 3.1" in render_format("openapi", [ROUTE])
    assert render_format("openapi", [NO_ROUTE]) == "empty."
    assert "Markdown" in render_format("markdown", [NO_ROUTE])
    assert "HTML" in render_format("html", [NO_ROUTE])
