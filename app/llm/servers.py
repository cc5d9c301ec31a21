"""What the operator says about a named OpenAI-compatible server; `app.servers` reads it from the operator's file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.llm.price_table import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What a server needs beyond address, key and models."""

    price: Price | None = None  # None: unknown
    context_tokens: int | None = None
    calls_at_once: int | None = None  # None: as for a vendor
    is_streamed: bool = False  # without its usage, nobody notices a server that cuts the request
    api_key_header: str | None = None  # None: `Authorization: Bearer`
    query: Mapping[str, str] = field(default_factory=dict[str, str])  # of every request
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])  # added to every request
