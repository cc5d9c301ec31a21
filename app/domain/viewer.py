"""The signed-in person and the repositories that person can see. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A signed-in person.

    `repositories` maps each installation to the names (`owner/repo`) that the person can read; None for the
    operator, who sees everything. A name is valid only together with its installation.
    """

    login: str | None = None
    repositories: Mapping[int, frozenset[str]] | None = None

    @property
    def is_operator(self) -> bool:
        """Whether this person runs Quorum and so sees everything and can act."""
        return self.repositories is None


OPERATOR = Viewer()
