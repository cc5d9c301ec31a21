"""Refunds: giving back a charge, whole or in part."""

from sqlite3 import Connection

from payments.charges import Charge, find_charge


def refund(connection: Connection, charge_id: int, amount_cents: int) -> Charge:
    """Give back part of a charge and return it; raises ValueError for more than is left."""
    charge = find_charge(connection, charge_id)
    left_cents = charge.amount_cents - charge.refunded_cents
    if not 0 < amount_cents <= left_cents:
        raise ValueError(f"only {left_cents} cents are left to refund")
    connection.execute(
        "UPDATE charges SET refunded_cents = refunded_cents + ? WHERE id = ?",
        (amount_cents, charge_id),
    )
    connection.commit()
    return find_charge(connection, charge_id)
