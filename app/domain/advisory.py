"""New packages of a change, and what a source of advisories says of them. Values only, no I/O."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.domain.finding import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that the head names and the base did not, in this version; None: a range, or not said."""

    ecosystem: str  # GitHub's names: pip, npm, go, maven, rubygems, rust, composer
    name: str
    version: str | None
    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """A published flaw that covers a package as it was added."""

    package: Package
    id: str  # GHSA-…, CVE-… or PYSEC-…
    severity: Severity
    summary: str
    fixed_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryAnswer:
    """What one source knows; `unchecked` are the packages it could not judge."""

    source: str
    advisories: tuple[Advisory, ...] = ()
    unchecked: tuple[Package, ...] = ()


AdvisoryLookup = Callable[[Sequence[Package]], Awaitable[AdvisoryAnswer]]
"""Asks a source of advisories about packages; raises a `QuorumError` where it does not answer."""
