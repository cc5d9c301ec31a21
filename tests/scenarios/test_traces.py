"""Traces: what a collector receives by OTLP over HTTP about a review, and that they contain nothing of the change."""

import gzip
import os
import subprocess
import sys
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.semconv._incubating.attributes import (  # pyright: ignore[reportMissingTypeStubs]
    gen_ai_attributes,
    vcs_attributes,
)

from app.tracing import open_traces
from github_sandbox.git import FileContent
from tests.scenarios.conftest import Open
from tests.scenarios.reading import take_checks, take_review, take_summary
from tests.scenarios.vendors import finding
from tests.unit.repository.files import read

PAY: dict[str, FileContent] = {"pay.py": "def pay(cart, rate):\n    return cart.total / rate\n"}
DIVISION = finding(
    "pay.py",
    "    return cart.total / rate",
    line=2,
    title="A rate of 0 ends in a ZeroDivisionError",
    rule_id="division-by-zero",
)
STATIONS = ["snapshot", "gather", "analyze", "review", "security", "docs", "verify", "follow", "publish"]


class Collector:
    """Receives OTLP over HTTP on its own port, as a collector does."""

    def __init__(self) -> None:
        self.raw = b""
        self.exports: list[ExportTraceServiceRequest] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
                collector.raw += body
                collector.exports.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def spans(self) -> list[Span]:
        return [s for e in self.exports for r in e.resource_spans for c in r.scope_spans for s in c.spans]

    def service(self) -> str:
        resource = self.exports[0].resource_spans[0].resource
        return next(each.value.string_value for each in resource.attributes if each.key == "service.name")


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Generator[Collector]:
    collector = Collector()
    thread = Thread(target=collector.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    yield collector
    collector.server.shutdown()
    thread.join()
    collector.server.server_close()


def attributes(span: Span) -> dict[str, str | int | float]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "") for each in span.attributes}


def parent_of(span: Span, spans: list[Span]) -> str:
    """The name of the parent span."""
    return next((each.name for each in spans if each.span_id == span.parent_span_id), "")


async def test_a_review_is_one_trace_of_steps_and_calls(opened: Open, collector: Collector) -> None:
    async with opened() as world:
        world.vendors.claude.finds(DIVISION)
        pull = world.open_pull(PAY)
        await world.settle()
        take_review(pull)
        take_summary(pull)
        take_checks(pull)
        calls = world.calls()
    spans = collector.spans()
    assert collector.service() == "quorum"
    assert len({span.trace_id for span in spans}) == 1
    root = next(span for span in spans if not span.parent_span_id)
    assert root.name == "pull_request_review"
    root_attributes = attributes(root)
    assert root_attributes[vcs_attributes.VCS_REPOSITORY_NAME] == "shop"
    assert (root_attributes[vcs_attributes.VCS_CHANGE_ID], root_attributes["quorum.trigger"]) == (
        "1",
        "opened",
    )
    stations = {span.name: parent_of(span, spans) for span in spans if span.name.startswith("station ")}
    assert stations == {f"station {name}": "pull_request_review" for name in STATIONS}
    models = [span for span in spans if span.kind == Span.SPAN_KIND_CLIENT]
    assert len(models) == len(calls) == 4
    assert {f"station {attributes(span)['quorum.stage']}" for span in models} <= stations.keys()
    assert all(parent_of(span, spans) == f"station {attributes(span)['quorum.stage']}" for span in models)
    assert all(root.start_time_unix_nano <= span.start_time_unix_nano for span in spans)
    assert all(span.end_time_unix_nano <= root.end_time_unix_nano for span in spans)


async def test_a_call_has_the_names_of_the_conventions(opened: Open, collector: Collector) -> None:
    async with opened() as world:
        pull = world.open_pull(PAY)
        await world.settle()
        take_review(pull)
        take_summary(pull)
        take_checks(pull)
    models = [span for span in collector.spans() if span.kind == Span.SPAN_KIND_CLIENT]
    values = next(attributes(s) for s in models if attributes(s)["gen_ai.provider.name"] == "anthropic")
    span = next(span for span in models if attributes(span) == values)
    assert span.name == f"chat {values['gen_ai.request.model']}"
    assert values["gen_ai.operation.name"] == "chat"
    assert values["gen_ai.response.model"]
    assert int(values["gen_ai.usage.input_tokens"]) > 0
    assert int(values["gen_ai.usage.output_tokens"]) > 0
    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    assert {name for name in values if name.startswith("gen_ai.")} <= known
    assert {attributes(s)["gen_ai.operation.name"] for s in models} == {"chat", "generate_content"}
    page = read("docs/metrics.md")
    assert not {name for span in collector.spans() for name in attributes(span) if f"`{name}`" not in page}


async def test_a_trace_contains_nothing_of_the_change_or_its_findings(
    opened: Open, collector: Collector
) -> None:
    async with opened() as world:
        world.vendors.claude.finds(DIVISION)
        world.vendors.gemini.documents_as("Adds a way to pay in euros.")
        pull = world.open_pull(PAY, title="Pay with a card", body="Nobody shall read this.")
        await world.settle()
        take_review(pull)
        take_summary(pull)
        take_checks(pull)
    assert b"station publish" in collector.raw
    for word in (b"pay.py", b"cart.total", b"ZeroDivision", b"with a card", b"Nobody shall", b"euros"):
        assert word not in collector.raw


async def test_a_failed_call_is_marked_without_its_message(opened: Open, collector: Collector) -> None:
    async with opened() as world:
        world.vendors.gpt.rejects_its_key()
        pull = world.open_pull(PAY)
        await world.settle()
        take_review(pull)
        take_summary(pull)
        take_checks(pull)
    assert failures(collector) == {("chat", "auth_failed")}


async def test_a_failed_review_is_marked_with_its_step(opened: Open, collector: Collector) -> None:
    async with opened() as world:
        world.vendors.hold()
        pull = world.open_pull(PAY)
        await world.until_asked(1)
        for installation in world.github.installations.values():
            installation.deleted = True  # the owner uninstalls the App meanwhile
        world.vendors.release()
        await world.settle()
        world.log.messages.clear()
        take_checks(pull)
    assert {first for first, _ in failures(collector)} == {"station", "pull_request_review"}


def failures(collector: Collector) -> set[tuple[str, str | int | float]]:
    """(first word of the name, error class) of each failed span; none contains more than that."""
    failed = [span for span in collector.spans() if span.status.code == Status.STATUS_CODE_ERROR]
    assert not any(span.status.message or span.events for span in failed)
    return {(span.name.partition(" ")[0], attributes(span)["error.type"]) for span in failed}


@pytest.mark.slow
def test_nothing_is_imported_without_tracing() -> None:
    code = (
        "import sys\nfrom app.main import build_program\nfrom app.settings import Settings\nimport pathlib, tempfile\n"
        "build_program(Settings(quorum_data_dir=pathlib.Path(tempfile.mkdtemp())))\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk') or 'otlp' in name])"
    )
    bare = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=bare)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, ""),
        ({"OTEL_SERVICE_NAME": "quorum"}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}, ""),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "only the OTLP protocol http/protobuf is supported, not grpc",
        ),
    ],
)
def test_no_traces_are_sent_if_disabled_or_impossible(
    environ: dict[str, str], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_traces(environ) is None
    assert message in caplog.text
    assert bool(message) == bool(caplog.messages)


def test_a_missing_extra_is_reported_in_one_line_and_changes_nothing_else() -> None:
    code = (
        "import sys\nsys.modules['opentelemetry.sdk'] = None\nfrom app.tracing import open_traces\n"
        "print(open_traces({'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://127.0.0.1:1'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"
    assert done.stderr.strip().splitlines() == [
        "traces are not sent: OTEL_* is set, but the extra is missing: pip install 'quorum-review[otel]'"
    ]
