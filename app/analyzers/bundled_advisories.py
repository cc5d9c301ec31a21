"""The advisories that come with the program, for use without another source. Reads one file of its own; no network.

The file states its date, its license and the ecosystems that it covers completely. For an ecosystem that it covers in part, only
a vulnerability is an answer: no entry for a package means nothing. `scripts/advisories.py` creates the file.
"""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from app.domain.analysis import Advisory, AdvisoryAnswer, Package
from app.domain.finding import Severity

DEFAULT_FILE = Path(__file__).parents[1] / "data" / "advisories.json.gz"

_SEMVER = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_SemverKey = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRange:
    """A range of vulnerable versions: from `introduced` up to `fixed` (exclusive) or `last` (inclusive)."""

    introduced: str = "0"
    fixed: str | None = None
    last: str | None = None

    def contains(self, version: str, order: Callable[[str], Any]) -> bool:
        """Whether the version is in the range; raises `ValueError` if a version cannot be parsed."""
        key = order(version)
        return (
            key >= order(self.introduced)
            and (self.fixed is None or key < order(self.fixed))
            and (self.last is None or key <= order(self.last))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledAdvisory:
    """One advisory on one package."""

    id: str
    severity: Severity
    summary: str
    ranges: tuple[VersionRange, ...]


class BundledAdvisories:
    """The advisories in memory, by ecosystem and package."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._complete = frozenset(content["complete"])
        self._flaws: defaultdict[tuple[str, str], list[BundledAdvisory]] = defaultdict(list)
        for ecosystem, name, id_, severity, summary, ranges in content["advisories"]:
            flaw = BundledAdvisory(
                id=id_,
                severity=Severity(severity),
                summary=summary,
                ranges=tuple(
                    VersionRange(introduced=introduced, fixed=fixed, last=last)
                    for introduced, fixed, last in ranges
                ),
            )
            self._flaws[ecosystem, normalized_name(ecosystem, name)].append(flaw)
        self.name = self._describe(content)

    def _describe(self, content: Mapping[str, Any]) -> str:
        count, date = len(content["advisories"]), content["date"]
        if not self._complete:
            return f"a bundled selection of {count} advisories ({date})"
        return (
            f"the bundled advisory file of {date} ({count} advisories on {len(self._flaws)} packages; "
            f"{content['licence']})"
        )

    @classmethod
    def load(cls, path: Path) -> "BundledAdvisories":
        """Load a file that `scripts/advisories.py` wrote."""
        return cls(json.loads(gzip.decompress(path.read_bytes())))

    def judge(self, packages: Sequence[Package]) -> AdvisoryAnswer:
        """The known vulnerabilities of these packages, and the packages that the file cannot judge."""
        advisories: list[Advisory] = []
        unchecked: list[Package] = []
        for package in packages:
            found = self._of(package)
            if found:
                advisories += found
            elif found is None or package.ecosystem not in self._complete:
                unchecked.append(package)
        return AdvisoryAnswer(source=self.name, advisories=tuple(advisories), unchecked=tuple(unchecked))

    def _of(self, package: Package) -> list[Advisory] | None:
        """The vulnerabilities of this version; None if the version is missing or cannot be ordered."""
        order = ORDERS.get(package.ecosystem)
        if order is None or package.version is None:
            return None
        flaws = self._flaws.get((package.ecosystem, normalized_name(package.ecosystem, package.name)), [])
        try:
            order(package.version)
            return [
                Advisory(
                    package=package,
                    id=flaw.id,
                    severity=flaw.severity,
                    summary=flaw.summary,
                    fixed_version=affected.fixed,
                )
                for flaw in flaws
                for affected in flaw.ranges
                if affected.contains(package.version, order)
            ]
        except ValueError:
            return None


@lru_cache(maxsize=1)
def bundled_advisories() -> BundledAdvisories:
    """The advisories that ship with Quorum, read once."""
    return BundledAdvisories.load(DEFAULT_FILE)


def normalized_name(ecosystem: str, name: str) -> str:
    """The name as the registry compares it: PyPI normalizes `Py_YAML` to `py-yaml`."""
    return canonicalize_name(name) if ecosystem == "pip" else name.lower()


def semver_key(version: str) -> _SemverKey:
    """Sorts as semantic versions do: https://semver.org/#spec-item-11. Raises `ValueError` for any other text."""
    match = _SEMVER.fullmatch(version.strip())
    if match is None:
        raise ValueError(version)
    core = tuple(int(part or 0) for part in match.groups()[:3])
    pre = match[4]
    identifiers = pre.split(".") if pre else []
    return core, pre is None, tuple(_identifier(each) for each in identifiers)


def _identifier(text: str) -> tuple[bool, int, str]:
    """Numeric identifiers sort numerically and before other ones."""
    return (False, int(text), "") if text.isdigit() else (True, 0, text)


def _python_version(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion as error:
        raise ValueError(version) from error


# GitHub's name of an ecosystem → the order of its versions; other ecosystems are not judged.
ORDERS: dict[str, Callable[[str], Any]] = {
    "pip": _python_version,
    "npm": semver_key,
    "go": semver_key,
    "rust": semver_key,
}
