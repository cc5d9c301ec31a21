from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Subscription:
    customer_id: int
    began_on: date
