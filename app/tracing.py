"""Traces by OpenTelemetry, sent by OTLP over HTTP where the standard `OTEL_*` variables name a collector.

The only place that knows OpenTelemetry; its SDK is an extra and is imported where it is wanted alone. The provider is Quorum's own
and never made the process's: the SDKs of vendors, which look for that one, stay silent, and with them whatever they would say of prompts.

https://opentelemetry.io/docs/languages/sdk-configuration/otlp-exporter/
"""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from app.domain.step import Attributes

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import StatusCode

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
SERVICE = "quorum"
FLUSH_MS = 5_000


class Traces:
    """A `Tracer` (`app.domain.step`) over OpenTelemetry's SDK."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("quorum")

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Generator[None]:
        """See `Tracer`. The error's message stays here: it may quote what was read."""
        with self._tracer.start_as_current_span(
            name, attributes=_given(attributes), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(_error())
                raise

    def record_call(
        self, name: str, attributes: Attributes, *, started_at: datetime, duration_ms: int, error: str | None
    ) -> None:
        """See `Tracer`."""
        from opentelemetry.trace import SpanKind

        started_ns = int(started_at.timestamp() * 1_000_000) * 1_000
        span = self._tracer.start_span(
            name,
            kind=SpanKind.CLIENT,
            attributes=_given({**attributes, "error.type": error}),
            start_time=started_ns,
        )
        if error:
            span.set_status(_error())
        span.end(started_ns + duration_ms * 1_000_000)

    def close(self) -> None:
        """Send what waits, for a few seconds; blocks."""
        self._provider.force_flush(FLUSH_MS)
        self._provider.shutdown()


def _error() -> "StatusCode":
    from opentelemetry.trace import StatusCode

    return StatusCode.ERROR


def _given(attributes: Attributes) -> dict[str, str | bool | int | float]:
    return {name: value for name, value in attributes.items() if value is not None}


def open_traces(environ: Mapping[str, str]) -> Traces | None:
    """Traces to the collector that the variables name; None where they name none, or where they cannot be sent.

    Which of the second it is, is logged.
    """
    if not _is_wanted(environ):
        return None
    protocol = next((environ[name] for name in PROTOCOLS if environ.get(name)), PROTOCOL)
    if protocol != PROTOCOL:
        logger.warning(
            "no traces are sent: of OTLP's protocols only %s is spoken, not %s", PROTOCOL, protocol
        )
        return None
    try:
        return Traces(_open_provider(environ))
    except ImportError:
        logger.warning(
            "no traces are sent: OTEL_* is set, but the extra is missing: pip install 'quorum-review[otel]'"
        )
        return None


def _is_wanted(environ: Mapping[str, str]) -> bool:
    is_on = environ.get("OTEL_SDK_DISABLED", "").lower() != "true"
    exporter = environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    return is_on and exporter == "otlp" and any(environ.get(name) for name in ENDPOINTS)


def _open_provider(environ: Mapping[str, str]) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    is_named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    resource = Resource.create({} if is_named else {SERVICE_NAME: SERVICE})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
