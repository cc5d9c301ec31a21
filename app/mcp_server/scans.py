"""Scans dependencies in manifests and lock files, and running APIs (dynamic testing).

"Could not check" never means "clean". Dynamic testing sends generated requests to a running API that the operator allows, and to
nothing else: the target comes from an OpenAPI description's `servers`, and its host must be in QUORUM_DAST_TARGETS exactly. Only
GET and HEAD requests are sent unless the operator opts in. No redirect is followed, no external `$ref` is read, no credential is sent.
https://schemathesis.readthedocs.io/en/stable/reference/cli/
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from urllib.parse import urlsplit

from app.analyzers.dependencies import added_packages, find_dependency_facts
from app.analyzers.hits import Hit
from app.analyzers.manifests import Manifest, manifest_of
from app.analyzers.runner import ProcessLimits, find_tool, run
from app.domain.analysis import AdvisoryLookup, ChangedFile
from app.domain.rules import rule_for
from app.errors import AnalyzerFailed, NotApplicable, YamlRejected
from app.gather.strict_yaml import YamlLimits, parse_mapping
from app.mcp_server.answers import FindingAnswer, PackageAnswer, ScanAnswer
from app.mcp_server.code_input import changed_files

SAFE_METHODS = ("get", "head")
METHODS = (*SAFE_METHODS, "post", "put", "patch", "delete", "options", "trace")
DURATION_S = 60
REQUESTS = "10/s"
EXAMPLES = 50  # of one operation
LIMITS = YamlLimits(
    max_bytes=300_000, max_depth=60
)  # of a description; a thread reads this much YAML in seconds
REFERENCES = ("$ref", "$dynamicRef", "externalValue", "operationRef")
NO_TARGET = "The operator does not allow tests of this host (QUORUM_DAST_TARGETS); nothing was sent."
NO_DESCRIPTION = "Dynamic testing needs an OpenAPI 3 description whose `servers` name a running target, and this text is not one"
OTHER_SCANS = "Use `sast` for code and `sca` for manifests."
SEVERITIES = {"critical": "critical", "high": "high", "medium": "medium", "low": "low"}

Json = dict[str, Any]


async def scan_dependencies(code: str, language: str | None, *, lookup: AdvisoryLookup | None) -> ScanAnswer:
    """Packages with their known vulnerabilities; `checked` only if every package was checked.

    Raises:
        InputError: the code or the language cannot be read.
    """
    manifests = [
        (file, manifest)
        for file in await asyncio.to_thread(changed_files, code, language)
        if (manifest := manifest_of(file.path)) is not None
    ]
    if not manifests:
        note = "The code contains no manifest or lock file. Pass the file name as `language`, for example package-lock.json."
        return ScanAnswer(scan_type="sca", status="not_applicable", notes=[note])
    facts = await find_dependency_facts([file for file, _ in manifests], lookup=lookup)
    readable = all(_is_readable(file, manifest) for file, manifest in manifests)
    all_checked = bool(facts.packages) and not facts.unchecked
    nothing = [] if facts.packages or not readable else ["The manifest lists no packages."]
    return ScanAnswer(
        scan_type="sca",
        status="checked" if readable and all_checked else "could_not_check",
        findings=[_dependency_finding(hit) for hit in facts.hits],
        packages=[PackageAnswer(**asdict(package)) for package in facts.packages],
        notes=[
            *facts.notes,
            *(f"{each.path}: {each.reason}." for each in facts.partly),
            *(_partial_note(file) for file, _ in manifests if file.head is None),
            *nothing,
        ],
    )


def _is_readable(file: ChangedFile, manifest: Manifest) -> bool:
    return added_packages(file, manifest) is not None


def _partial_note(file: ChangedFile) -> str:
    return f"{file.path}: the diff shows only parts of the file. Pass the whole file to list its packages."


def _dependency_finding(hit: Hit) -> FindingAnswer:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DastPolicy:
    """The operator's policy: the hosts, with a port unless it is the default, and the methods."""

    targets: tuple[str, ...] = ()
    all_methods: bool = False


async def scan_running_api(
    code: str,
    policy: DastPolicy,
    *,
    find_tool: Callable[[str], Path | None] = find_tool,
    duration_s: int = DURATION_S,
) -> ScanAnswer:
    """Test the API that an OpenAPI 3 description names, for `duration_s`; the answer says so if nothing was sent."""
    if not policy.targets:
        return ScanAnswer(scan_type="dast", status="not_applicable", notes=[NO_TARGET])
    try:
        document = await asyncio.to_thread(parse_description, code)
        target = _target(document, policy)
        tool = _find(find_tool)
        allowed = _allowed(document, METHODS if policy.all_methods else SAFE_METHODS)
    except NotApplicable as error:
        return ScanAnswer(scan_type="dast", status="not_applicable", notes=[str(error)])
    try:
        report = await _run(tool, allowed, target, duration_s=duration_s)
    except AnalyzerFailed as error:
        note = f"The test of {target} did not finish: schemathesis {error}."
        return ScanAnswer(scan_type="dast", status="could_not_check", notes=[note])
    return _answer(report, target, all_methods=policy.all_methods)


def parse_description(code: str) -> Json:
    """Parse an OpenAPI 3 description in JSON or YAML that refers to no other document.

    Raises:
        NotApplicable: it is not one.
    """
    try:
        document = _load(code)
    except (YamlRejected, ValueError, RecursionError) as error:
        reason = f": {error}" if isinstance(error, YamlRejected) else ""
        raise NotApplicable(f"{NO_DESCRIPTION}{reason}. {OTHER_SCANS}") from error
    if not str(document.get("openapi", "")).startswith("3"):
        raise NotApplicable(f"{NO_DESCRIPTION}. {OTHER_SCANS}")
    if any(not reference.startswith("#") for reference in _references(document)):
        raise NotApplicable("The description refers to other documents, which Quorum does not read.")
    return document


def _load(code: str) -> Json:
    if not code.lstrip().startswith("{"):
        return parse_mapping(code.encode("utf-8", "replace"), LIMITS)[0]
    document: object = json.loads(code)
    return cast(Json, document) if isinstance(document, dict) else {}


def _references(value: object, depth: int = 0) -> Iterator[str]:
    if depth > LIMITS.max_depth:
        raise NotApplicable("The description is nested too deeply.")
    if isinstance(value, dict):
        for key, inner in cast("dict[object, object]", value).items():
            if key in REFERENCES and isinstance(inner, str):
                yield inner
            yield from _references(inner, depth + 1)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _references(inner, depth + 1)


def _target(document: Json, policy: DastPolicy) -> str:
    """The first server, if the operator allows its host."""
    servers: object = document.get("servers")
    first = cast("list[object]", servers)[0] if isinstance(servers, list) and servers else None
    url = str(cast(Json, first).get("url", "")) if isinstance(first, dict) else ""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or "{" in url:
        raise NotApplicable(
            "The description's first server is not an absolute http(s) URL, so there is no target."
        )
    if parts.netloc.lower() not in {target.lower() for target in policy.targets}:
        raise NotApplicable(NO_TARGET)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _find(find_tool: Callable[[str], Path | None]) -> Path:
    tool = find_tool("schemathesis")
    if tool is None:
        raise NotApplicable("schemathesis is not installed here: pip install 'quorum-review[dast]'.")
    return tool


def _allowed(document: Json, methods: Sequence[str]) -> Json:
    """The description without the operations that may not be called, and without their own servers."""
    paths: Mapping[str, object] = document.get("paths") or {}
    kept: Json = {}
    for path, item in paths.items():
        if isinstance(item, dict):
            operations = cast(Json, item)
            kept[path] = {
                key: _without_servers(value)
                for key, value in operations.items()
                if key in methods or key in ("parameters", "summary", "description")
            }
    if not any(method in item for item in kept.values() for method in methods):
        raise NotApplicable(f"The description has no operation that may be called ({', '.join(methods)}).")
    return {key: value for key, value in document.items() if key != "webhooks"} | {"paths": kept}


def _without_servers(operation: object) -> object:
    if not isinstance(operation, dict):
        return operation
    return {key: value for key, value in cast(Json, operation).items() if key not in ("servers", "callbacks")}


async def _run(tool: Path, document: Json, target: str, *, duration_s: int) -> Json:
    with TemporaryDirectory(prefix="quorum-dast-") as name:
        folder = await asyncio.to_thread(_write, Path(name), document)
        finished = await run(
            [str(tool), *_arguments(target, duration_s)],
            directory=folder,
            limits=ProcessLimits(seconds=duration_s + 30.0),
        )
        finished.complete()
        return await asyncio.to_thread(_read_report, folder)


def _write(directory: Path, document: Json) -> Path:
    folder = directory.resolve()
    (folder / "openapi.json").write_text(json.dumps(document, default=str), encoding="utf-8")
    return folder


def _read_report(folder: Path) -> Json:
    try:
        return json.loads((folder / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AnalyzerFailed("wrote no report") from error


def _arguments(target: str, duration_s: int) -> list[str]:
    """No `coverage` phase and no `unsupported_method` check: both call methods that are not in the description."""
    return [
        *("run", "openapi.json", "--url", target),
        *("--phases", "examples,fuzzing", "--exclude-checks", "unsupported_method"),
        *("--max-examples", str(EXAMPLES), "--max-time", str(duration_s), "--rate-limit", REQUESTS),
        *("--max-redirects", "0", "--request-timeout", "10", "--generation-database", "none"),
        *("--report", "json", "--report-json-path", "report.json", "--no-color"),
    ]


def _answer(report: Json, target: str, *, all_methods: bool) -> ScanAnswer:
    operations: Json = report.get("operations") or {}
    errors: list[Json] = report.get("errors") or []
    failures: list[Json] = report.get("failures") or []
    tested = int(operations.get("tested", 0))
    methods = "all methods" if all_methods else "GET and HEAD only"
    notes = [f"Called {tested} operations of {target} ({methods}) without credentials."]
    if errors:
        notes.append(f"{len(errors)} errors prevented schemathesis from testing everything.")
    return ScanAnswer(
        scan_type="dast",
        status="checked" if tested and report.get("complete") and not errors else "could_not_check",
        findings=[_api_finding(failure) for failure in failures],
        notes=notes,
    )


def _api_finding(failure: Json) -> FindingAnswer:
    operations = ", ".join(map(str, failure.get("operations") or [])) or "the API"
    title = str(failure.get("title", "Failure"))
    return FindingAnswer.model_validate(
        {
            "id": f"dast:{failure.get('code', '')}:{operations}"[:200],
            "stage": "security",
            "severity": SEVERITIES.get(str(failure.get("severity")), "info"),
            "rule_id": "other",
            "cwe": None,
            "path": operations,
            "start_line": 1,
            "end_line": 1,
            "side": "RIGHT",
            "title": f"{title}: {operations}",
            "explanation": f"{failure.get('count', 1)} generated requests to {operations} caused this failure: {title}.",
            "suggestion": None,
            "found_by": ["analyzers:schemathesis"],
            "confirmed_by": [],
            "placement": "summary",
        }
    )
