"""What one process learnt of a provider that is out, for the others. No I/O."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.model_call import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitName:
    """Whose circuit it is.

    `access` is a short digest of key and address, so that a new key does not inherit what was said of the old one.
    """

    provider: Provider
    model: str | None  # None: all of the provider's
    access: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitState:
    """An open circuit: until `open_until` nobody asks, then one process probes it."""

    name: CircuitName
    kind: str  # the class of the error that opened it
    error: str  # its sentence, without secrets
    opened_at: datetime
    open_until: datetime
