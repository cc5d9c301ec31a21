"""What the dashboard may ask: one function a request. The web framework calls them with the signed-in caller."""

from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from payments.charges import find_charge


class Forbidden(PermissionError):
    """The caller may not do this."""


@dataclass(frozen=True)
class Caller:
    """Who is signed in, and for which merchant."""

    user_id: int
    merchant_id: int
    roles: frozenset[str]


def require(caller: Caller, role: str, merchant_id: int) -> None:
    """Raise Forbidden unless the caller has the role for this merchant."""
    if caller.merchant_id != merchant_id or role not in caller.roles:
        raise Forbidden(role)


def get_charge(connection: Connection, caller: Caller, charge_id: int) -> dict[str, Any]:
    """A charge as JSON; raises Forbidden and ChargeNotFound."""
    charge = find_charge(connection, charge_id)
    require(caller, "viewer", charge.merchant_id)
    return {"id": charge.id, "reference": charge.reference, "amount_cents": charge.amount_cents}
