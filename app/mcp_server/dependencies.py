"""The packages of manifests and lock files, and what the advisory database knows of them. "Could not check" is never "clean"."""

from dataclasses import asdict

from app.analyzers.dependencies import added_packages, find_dependency_facts
from app.analyzers.hits import Hit
from app.analyzers.manifests import Manifest, manifest_of
from app.domain.analysis import AdvisoryLookup, ChangedFile
from app.domain.rules import rule_for
from app.mcp_server.answers import FindingAnswer, PackageAnswer, ScanAnswer
from app.mcp_server.given import changed_files


async def scan_dependencies(code: str, language: str | None, *, lookup: AdvisoryLookup | None) -> ScanAnswer:
    """Packages with their known flaws; `checked` only where a source has judged every one of them.

    Raises:
        InputError: the code or the language cannot be read.
    """
    manifests = [
        (file, manifest)
        for file in changed_files(code, language)
        if (manifest := manifest_of(file.path)) is not None
    ]
    if not manifests:
        note = "No manifest or lock file is in it; name the file as `language`, e.g. package-lock.json."
        return ScanAnswer(scan_type="sca", status="not_applicable", notes=[note])
    facts = await find_dependency_facts([file for file, _ in manifests], lookup=lookup)
    readable = all(_is_readable(file, manifest) for file, manifest in manifests)
    judged = bool(facts.packages) and not facts.unchecked
    nothing = [] if facts.packages or not readable else ["No package is named in it."]
    return ScanAnswer(
        scan_type="sca",
        status="checked" if readable and judged else "could_not_check",
        findings=[_finding(hit) for hit in facts.hits],
        packages=[PackageAnswer(**asdict(package)) for package in facts.packages],
        notes=[*facts.notes, *(_partly(file) for file, _ in manifests if file.head is None), *nothing],
    )


def _is_readable(file: ChangedFile, manifest: Manifest) -> bool:
    return added_packages(file, manifest) is not None


def _partly(file: ChangedFile) -> str:
    return f"{file.path}: only pieces of it are in the diff; give the whole file to have its packages listed."


def _finding(hit: Hit) -> FindingAnswer:
    return FindingAnswer(
        id=f"{hit.tool}:{hit.path}:{hit.title}",
        stage="security",
        severity=hit.severity.value,
        rule_id=hit.rule_id,
        cwe=rule_for(hit.rule_id).cwe,
        path=hit.path,
        start_line=hit.start_line,
        end_line=hit.end_line,
        side="RIGHT",
        title=hit.title,
        explanation=hit.explanation,
        suggestion=None,
        found_by=[f"analyzers:{hit.tool}"],
        confirmed_by=[],
        placement="summary",
    )
