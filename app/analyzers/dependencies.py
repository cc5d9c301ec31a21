"""New packages of a change and their known vulnerabilities, from a source of advisories or from the bundled file.

A missing answer never means "no vulnerability": notes name every package that could not be checked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.analyzers.bundled_advisories import BundledAdvisories, bundled_advisories
from app.analyzers.hits import Hit
from app.analyzers.manifests import Manifest, manifest_of
from app.domain.analysis import Advisory, AdvisoryAnswer, AdvisoryLookup, ChangedFile, Package
from app.domain.review import Omission
from app.errors import QuorumError

TOOL = "dependencies"
MAX_MANIFEST_BYTES = 5_000_000
UNREAD = "it could not be read, so its new packages were not checked for known vulnerabilities"


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyFacts:
    """The new packages and their known vulnerabilities."""

    packages: tuple[Package, ...] = ()
    hits: tuple[Hit, ...] = ()
    unchecked: tuple[Package, ...] = ()  # no source could judge them
    partly: tuple[Omission, ...] = ()  # manifests that could not be read
    notes: tuple[str, ...] = ()


async def find_dependency_facts(
    files: Sequence[ChangedFile],
    *,
    lookup: AdvisoryLookup | None,
    bundled: BundledAdvisories | None = None,
) -> DependencyFacts:
    """Find the new packages of all changed manifests and the advisories that cover them.

    Args:
        lookup: asked first; None: there is no source.
        bundled: checks the rest; None: the file that ships with Quorum.
    """
    packages: list[Package] = []
    notes: list[str] = []
    unread: list[Omission] = []
    for file in files:
        manifest = manifest_of(file.path)
        if manifest is None or not file.added:
            continue
        found = added_packages(file, manifest)
        if found is not None:
            packages.extend(found)
        elif file.head is None:
            notes.append(f"{file.path}: {UNREAD}.")
        else:
            unread.append(Omission(path=file.path, reason=UNREAD))
    answer, note = await _find_advisories(packages, lookup, bundled or bundled_advisories())
    hits = tuple(_hit(advisory) for advisory in answer.advisories)
    return DependencyFacts(
        packages=tuple(packages),
        hits=hits,
        unchecked=answer.unchecked,
        partly=tuple(unread),
        notes=(*notes, *note),
    )


def added_packages(file: ChangedFile, manifest: Manifest) -> list[Package] | None:
    """Packages in the head that the base does not have in this version; None if the file cannot be read."""
    if file.head is None or max(len(file.head), len(file.base or b"")) > MAX_MANIFEST_BYTES:
        return None
    head = file.head.decode("utf-8-sig", "replace")
    try:
        now = dict.fromkeys(manifest.parse(head))
        before = set(manifest.parse(file.base.decode("utf-8-sig", "replace"))) if file.base else set[object]()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    lines = head.split("\n")
    return [
        Package(
            ecosystem=manifest.ecosystem,
            name=name,
            version=version,
            path=file.path,
            line=_line_of(name, version, lines, file.added),
        )
        for name, version in now
        if (name, version) not in before
    ]


async def _find_advisories(
    packages: Sequence[Package], lookup: AdvisoryLookup | None, bundled: BundledAdvisories
) -> tuple[AdvisoryAnswer, tuple[str, ...]]:
    """The source's answer, and the bundled file's answer for the rest, with a note on each."""
    if not packages:
        return AdvisoryAnswer(source=""), ()
    answer, reason = await _look_up(packages, lookup)
    remaining = answer.unchecked
    known = bundled.judge(remaining)
    checked = [
        f"Checked {count} new {'package' if count == 1 else 'packages'} against {source}."
        for source, count in (
            (answer.source, len(packages) - len(remaining)),
            (f"{known.source} because {reason}", len(remaining) - len(known.unchecked)),
        )
        if count
    ]
    unchecked = [_unchecked_note(known.unchecked, reason, known.source)] if known.unchecked else []
    combined = AdvisoryAnswer(
        source=answer.source,
        advisories=(*answer.advisories, *known.advisories),
        unchecked=known.unchecked,
    )
    return combined, (*checked, *unchecked)


async def _look_up(packages: Sequence[Package], lookup: AdvisoryLookup | None) -> tuple[AdvisoryAnswer, str]:
    """The source's answer, and why it left packages unchecked."""
    nothing = AdvisoryAnswer(source="", unchecked=tuple(packages))
    if lookup is None:
        return nothing, "no source of advisories is configured"
    try:
        answer = await lookup(packages)
    except QuorumError as error:
        return nothing, f"the advisory source did not respond ({error})"
    return answer, f"{answer.source} cannot check them"


def _unchecked_note(packages: Sequence[Package], reason: str, bundled: str) -> str:
    names = ", ".join(dict.fromkeys(f"{one.name} {one.version or ''}".strip() for one in packages[:8]))
    more = f" and {len(packages) - 8} more" if len(packages) > 8 else ""
    return f"Could not check new packages for known vulnerabilities ({reason}, and {bundled} has no data): {names}{more}."


def _line_of(name: str, version: str | None, lines: Sequence[str], added: frozenset[int]) -> int:
    """The first added line that names the package, or one with its version, or the first added line."""
    last = name.rpartition(":")[2]
    numbers = [number for number in sorted(added) if number <= len(lines)]
    for needle in (last, version or last):
        for number in numbers:
            if needle in lines[number - 1]:
                return number
    return numbers[0] if numbers else 1


def _hit(advisory: Advisory) -> Hit:
    package = advisory.package
    fix = (
        f"Fixed in {advisory.fixed_version}."
        if advisory.fixed_version
        else "No fixed version is known. Look for a workaround in the advisory, or for another package."
    )
    return Hit(
        path=package.path,
        start_line=package.line,
        end_line=package.line,
        rule_id="vulnerable-dependency",
        severity=advisory.severity,
        title=f"{package.name} {package.version or ''} has a known vulnerability ({advisory.id})".replace(
            "  ", " "
        ),
        explanation=f"{advisory.summary.rstrip('.')}. {fix}",
        tool=TOOL,
    )
