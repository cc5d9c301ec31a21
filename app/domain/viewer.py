"""Who looks at the pages, and which repositories that person may see. Values only; nothing is asked here."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Somebody who is signed in.

    `repositories` holds the names, `owner/repo`, that the person can read in each installation; None: the operator,
    who sees everything. A name counts only together with its installation.
    """

    login: str | None = None
    repositories: Mapping[int, frozenset[str]] | None = None

    @property
    def is_operator(self) -> bool:
        """Whether this is who runs Quorum: sees all, and may act."""
        return self.repositories is None


OPERATOR = Viewer()
