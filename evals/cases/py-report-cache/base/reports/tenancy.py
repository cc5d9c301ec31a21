from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Tenant:
    id: int
    name: str


_current: ContextVar[Tenant] = ContextVar("tenant")


def current_tenant() -> Tenant:
    """The company of the user who sent this request; set by the middleware."""
    return _current.get()
