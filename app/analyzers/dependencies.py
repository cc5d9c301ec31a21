"""New packages of a change, and what a source of advisories knows of them. The source is a function passed in.

No answer is never a clean bill: what could not be asked is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.analyzers.manifests import Manifest, manifest_of
from app.analyzers.values import Hit
from app.domain.advisory import Advisory, AdvisoryAnswer, AdvisoryLookup, Package
from app.domain.analysis import ChangedFile
from app.errors import QuorumError

TOOL = "dependencies"
MAX_MANIFEST_BYTES = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyFacts:
    """The new packages and what is known of them."""

    packages: tuple[Package, ...] = ()
    hits: tuple[Hit, ...] = ()
    notes: tuple[str, ...] = ()


async def find_dependency_facts(
    files: Sequence[ChangedFile], *, lookup: AdvisoryLookup | None
) -> DependencyFacts:
    """New packages of all changed manifests, with the advisories that cover them."""
    packages: list[Package] = []
    notes: list[str] = []
    for file in files:
        manifest = manifest_of(file.path)
        if manifest is None or not file.added:
            continue
        found = added_packages(file, manifest)
        if found is None:
            notes.append(
                f"{file.path}: could not be read, so its new packages were not checked for known flaws."
            )
        else:
            packages.extend(found)
    answer, note = await _asked(packages, lookup)
    hits = tuple(_hit(advisory) for advisory in answer.advisories)
    return DependencyFacts(packages=tuple(packages), hits=hits, notes=(*notes, *note))


def added_packages(file: ChangedFile, manifest: Manifest) -> list[Package] | None:
    """Packages in the head that the base has not in this version; None where the file cannot be read."""
    if file.head is None or max(len(file.head), len(file.base or b"")) > MAX_MANIFEST_BYTES:
        return None
    head = file.head.decode("utf-8", "replace")
    try:
        now = dict.fromkeys(manifest.parse(head))
        before = set(manifest.parse(file.base.decode("utf-8", "replace"))) if file.base else set[object]()
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


async def _asked(
    packages: Sequence[Package], lookup: AdvisoryLookup | None
) -> tuple[AdvisoryAnswer, tuple[str, ...]]:
    nothing = AdvisoryAnswer(source="")
    if not packages:
        return nothing, ()
    if lookup is None:
        return nothing, (_unchecked_note(packages, "no source of advisories was asked"),)
    try:
        answer = await lookup(packages)
    except QuorumError as error:
        return nothing, (_unchecked_note(packages, f"the source of advisories did not answer ({error})"),)
    checked = f"{len(packages) - len(answer.unchecked)} new package(s) were checked against {answer.source}."
    rest = (
        (_unchecked_note(answer.unchecked, f"{answer.source} cannot judge them"),) if answer.unchecked else ()
    )
    return answer, (checked, *rest)


def _unchecked_note(packages: Sequence[Package], reason: str) -> str:
    names = ", ".join(dict.fromkeys(f"{one.name} {one.version or ''}".strip() for one in packages[:8]))
    more = f" and {len(packages) - 8} more" if len(packages) > 8 else ""
    return f"Could not check new packages for known flaws, {reason}: {names}{more}."


def _line_of(name: str, version: str | None, lines: Sequence[str], added: frozenset[int]) -> int:
    """The first added line that names the package; else one with its version; else the first added line."""
    last = name.rpartition(":")[2]
    numbers = [number for number in sorted(added) if number <= len(lines)]
    for needle in (last, version or last):
        for number in numbers:
            if needle in lines[number - 1]:
                return number
    return numbers[0] if numbers else 1


def _hit(advisory: Advisory) -> Hit:
    package = advisory.package
    cure = (
        f"Version {advisory.fixed_version} mends it."
        if advisory.fixed_version
        else "No mended version is known; look for another package or for a work-around in the advisory."
    )
    return Hit(
        path=package.path,
        start_line=package.line,
        end_line=package.line,
        rule_id="vulnerable-dependency",
        severity=advisory.severity,
        title=f"{package.name} {package.version or ''} has a known flaw ({advisory.id})".replace("  ", " "),
        explanation=f"{advisory.summary.rstrip('.')}. {cure}",
        tool=TOOL,
    )
