"""What models looked at beyond the change and its context, in sentences."""

from collections import Counter
from collections.abc import Sequence

from app.domain.lookup import LookedUp, LookupKind
from app.publish.wording import count, joined, vendor_name

MAX_PLACES = 8  # named for one vendor


def lookup_notes(looked_up: Sequence[LookedUp]) -> list[str]:
    """One sentence for each vendor about what it saw, and one about what could not be shown."""
    notes: list[str] = []
    for vendor in dict.fromkeys(vendor_name(each.by) for each in looked_up):
        own = [each for each in looked_up if vendor_name(each.by) == vendor]
        places = list(dict.fromkeys(_place(each) for each in own if not each.unavailable))
        if places:
            listed = [*places[:MAX_PLACES], *_more(len(places) - MAX_PLACES)]
            notes.append(f"{vendor} looked at {joined(listed)}.")
        reasons = Counter(each.unavailable for each in own if each.unavailable)
        if reasons:
            named = "; ".join(f"{reason} ({number})" for reason, number in reasons.items())
            notes.append(
                f"{vendor} asked for {count(reasons.total(), 'look-up')} without an answer: {named}."
            )
    return notes


def _more(number: int) -> list[str]:
    return [count(number, "more place")] if number > 0 else []


def _place(looked: LookedUp) -> str:
    start, end = looked.start_line, looked.end_line
    lines = "" if start is None else f":{start}" if end in (None, start) else f":{start}–{end}"
    place = f"`{looked.path}{lines}`"
    return f"the history of {place}" if looked.kind is LookupKind.HISTORY else place
