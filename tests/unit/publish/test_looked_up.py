"""The report says what models looked at beyond the change."""

from typing import Any

from app.domain.lookup import LookedUp, LookupKind, Unavailable
from app.publish.looked_up import lookup_notes


def looked(
    path: str | None = None, start: int | None = None, end: int | None = None, **more: object
) -> LookedUp:
    values: dict[str, Any] = {"by": "gpt:gpt-6.2", "kind": LookupKind.FILE} | more
    return LookedUp(path=path, start_line=start, end_line=end, **values)


def test_each_vendors_places_are_one_sentence() -> None:
    notes = lookup_notes(
        [
            looked("db/session.py", 40, 71),
            looked("db/session.py", 40, 71),
            looked("a.py", 3, 3, by="claude:m"),
            looked("b.py", kind=LookupKind.HISTORY),
        ]
    )
    assert notes == [
        "GPT looked at `db/session.py:40–71` and the history of `b.py`.",
        "Claude looked at `a.py:3`.",
    ]


def test_many_places_are_counted() -> None:
    [note] = lookup_notes([looked(f"{number}.py", 1, 2) for number in range(10)])
    assert note.endswith("`7.py:1–2`, and 2 more places.")


def test_what_could_not_be_looked_up_is_counted_with_the_reasons() -> None:
    notes = lookup_notes(
        [
            looked("../../etc/passwd", unavailable=Unavailable.OUTSIDE),
            looked(".git/config", unavailable=Unavailable.OUTSIDE),
            looked(unavailable=Unavailable.NOT_FOUND),
        ]
    )
    assert notes == [
        "GPT asked for 3 look-ups without an answer: the path is outside the repository (2); nothing was found (1)."
    ]
