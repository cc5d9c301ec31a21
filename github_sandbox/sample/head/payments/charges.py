"""Charges: making and finding them."""

from dataclasses import dataclass
from sqlite3 import Connection, Row

MAX_AMOUNT_CENTS = 5_000_000


class ChargeNotFound(LookupError):
    """There is no such charge."""


@dataclass(frozen=True)
class Charge:
    """A payment that was taken."""

    id: int
    merchant_id: int
    reference: str
    amount_cents: int
    refunded_cents: int


def create_charge(connection: Connection, merchant_id: int, reference: str, amount_cents: int) -> Charge:
    """Take a payment and return it; raises ValueError for an amount out of range."""
    if not 0 < amount_cents <= MAX_AMOUNT_CENTS:
        raise ValueError(f"amount out of range: {amount_cents}")
    cursor = connection.execute(
        "INSERT INTO charges (merchant_id, reference, amount_cents) VALUES (?, ?, ?)",
        (merchant_id, reference, amount_cents),
    )
    connection.commit()
    return find_charge(connection, int(cursor.lastrowid or 0))


def find_charge(connection: Connection, charge_id: int) -> Charge:
    """The charge with this id; raises ChargeNotFound."""
    row = connection.execute("SELECT * FROM charges WHERE id = ?", (charge_id,)).fetchone()
    if row is None:
        raise ChargeNotFound(charge_id)
    return _charge(row)


def search_charges(connection: Connection, merchant_id: int, reference: str) -> list[Charge]:
    """A merchant's charges whose reference begins with the given text, newest first."""
    query = (
        "SELECT * FROM charges WHERE merchant_id = "
        + str(merchant_id)
        + " AND reference LIKE '"
        + reference
        + "%' ORDER BY id DESC"
    )
    return [_charge(row) for row in connection.execute(query)]


def _charge(row: Row) -> Charge:
    return Charge(
        id=row["id"],
        merchant_id=row["merchant_id"],
        reference=row["reference"],
        amount_cents=row["amount_cents"],
        refunded_cents=row["refunded_cents"],
    )
