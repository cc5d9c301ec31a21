from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Subscription:
    customer_id: int
    began_on: date


def next_renewal(subscription: Subscription, after: date) -> date:
    """The first renewal after a day: the day of the month on which it began, or the month's last day."""
    year, month = after.year, after.month
    while True:
        renewal = subscription.began_on.replace(year=year, month=month)
        if renewal > after:
            return renewal
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def due_on(subscriptions: list[Subscription], day: date) -> list[Subscription]:
    yesterday = date.fromordinal(day.toordinal() - 1)
    return [each for each in subscriptions if next_renewal(each, yesterday) == day]
