"""The signed-in person and the repositories that person can see. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A signed-in person.

    `repositories` maps each installation to the names (`owner/repo`) that the person can read; None for the
    operator, who sees everything. A name is valid only together with its installation. `writable` holds those that
    the person can write to.
    """

    login: str | None = None
    repositories: Mapping[int, frozenset[str]] | None = None
    writable: Mapping[int, frozenset[str]] = field(default_factory=dict[int, frozenset[str]])

    @property
    def is_operator(self) -> bool:
        """Whether this person runs Quorum and so sees everything and can act."""
        return self.repositories is None

    def may_read(self, installation_id: int, repository: str) -> bool:
        """Whether this person can read the repository."""
        return self.repositories is None or repository in self.repositories.get(installation_id, frozenset())

    def may_write(self, installation_id: int, repository: str) -> bool:
        """Whether this person may decide about the repository's findings, as with commands in comments."""
        return self.is_operator or repository in self.writable.get(installation_id, frozenset())


OPERATOR = Viewer()
