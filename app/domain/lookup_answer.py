"""What look-ups find at the head. Values only, no I/O."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.domain.lookup import CodeLookup, Unavailable
from app.domain.review import ContextSnippet


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupAnswer:
    """What a look-up found: code, or lines about the history, or why there is neither. `note` says what was left out."""

    lookup: CodeLookup
    snippets: tuple[ContextSnippet, ...] = ()
    history: tuple[str, ...] = ()
    unavailable: Unavailable | None = None
    note: str = ""


LookUp = Callable[[Sequence[CodeLookup]], Awaitable[Sequence[LookupAnswer]]]
"""Answers look-ups from the objects of the repository at the head."""
