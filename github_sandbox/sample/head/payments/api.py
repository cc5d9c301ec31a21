"""What the dashboard may ask: one function a request. The web framework calls them with the signed-in caller."""

from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from payments.charges import find_charge, search_charges
from payments.refunds import refund


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


def find_charges(connection: Connection, caller: Caller, reference: str) -> list[dict[str, Any]]:
    """The caller's own charges by the beginning of their reference; raises Forbidden."""
    require(caller, "viewer", caller.merchant_id)
    charges = search_charges(connection, caller.merchant_id, reference)
    return [{"id": c.id, "reference": c.reference, "amount_cents": c.amount_cents} for c in charges]


def refund_charge(
    connection: Connection, caller: Caller, charge_id: int, amount_cents: int
) -> dict[str, Any]:
    """Give money back; raises ChargeNotFound and ValueError."""
    charge = refund(connection, charge_id, amount_cents)
    return {"id": charge.id, "refunded_cents": charge.refunded_cents, "by": caller.user_id}
