"""Sends OpenTelemetry traces by OTLP over HTTP, if the standard `OTEL_*` variables name a collector.

The only module that uses OpenTelemetry; the SDK is an optional extra and imported only if needed. Quorum's tracer provider is never
the process's default, because the vendors' SDKs use the default provider and would record prompts.

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
        """See `Tracer`. The error's message is not recorded, because it may quote code."""
        with self._tracer.start_as_current_span(
            name, attributes=_without_none(attributes), record_exception=False, set_status_on_exception=False
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
            attributes=_without_none({**attributes, "error.type": error}),
            start_time=started_ns,
        )
        if error:
            span.set_status(_error())
        span.end(started_ns + duration_ms * 1_000_000)

    def close(self) -> None:
        """Send pending spans, for a few seconds at most; blocks."""
        self._provider.force_flush(FLUSH_MS)
        self._provider.shutdown()


def _error() -> "StatusCode":
    from opentelemetry.trace import StatusCode

    return StatusCode.ERROR


def _without_none(attributes: Attributes) -> dict[str, str | bool | int | float]:
    return {name: value for name, value in attributes.items() if value is not None}


def open_traces(environ: Mapping[str, str]) -> Traces | None:
    """Open traces to the collector that the variables name; None if they name none, or if sending is impossible.

    The log says why sending is impossible.
    """
    if not _is_enabled(environ):
        return None
    protocol = next((environ[name] for name in PROTOCOLS if environ.get(name)), PROTOCOL)
    if protocol != PROTOCOL:
        logger.warning(
            "traces are not sent: only the OTLP protocol %s is supported, not %s", PROTOCOL, protocol
        )
        return None
    try:
        return Traces(_open_provider(environ))
    except ImportError:
        logger.warning(
            "traces are not sent: OTEL_* is set, but the extra is missing: pip install 'quorum-review[otel]'"
        )
        return None


def _is_enabled(environ: Mapping[str, str]) -> bool:
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
