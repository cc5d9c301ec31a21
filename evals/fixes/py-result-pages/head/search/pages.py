from dataclasses import dataclass

SIZE = 20


@dataclass(frozen=True)
class Page:
    items: list[str]
    number: int
    has_next: bool


def page_of(items: list[str], number: int) -> Page:
    """One page; the first has number 1."""
    if number < 1:
        raise ValueError("pages start at 1")
    start = number * SIZE
    return Page(items=items[start : start + SIZE], number=number, has_next=len(items) > start + SIZE)
