import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    name: str
    note: str
    balance_cents: int


def as_csv(members: Iterable[Member]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["name", "note", "balance"])
    for member in members:
        writer.writerow([member.name, member.note, f"{member.balance_cents / 100:.2f}"])
    return buffer.getvalue()
