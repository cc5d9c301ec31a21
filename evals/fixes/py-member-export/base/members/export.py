from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    name: str
    note: str
    balance_cents: int
