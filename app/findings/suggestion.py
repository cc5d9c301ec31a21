"""Checks that a suggestion can be applied with one click; otherwise moves its text into the explanation. Pure.

Suggestions never change CI, configuration, or lock files.
https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/commenting-on-a-pull-request
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from app.domain.diff import Side
from app.domain.finding import Finding, Placement
from app.findings.quotes import DiffIndex
from app.findings.replacement import is_same_code, replacement_lines, unfenced

_ENDINGS = {
    ".yml", ".yaml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".env", ".json", ".json5", ".jsonc", ".lock",
    ".plist", ".tf", ".tfvars", ".hcl", ".gradle", ".kts", ".mk", ".cmake", ".csproj", ".sln", ".bazel", ".bzl",
}  # fmt: skip
_NAMES = {
    "build", "cargo.lock", "cmakelists.txt", "codeowners", "dockerfile", "containerfile", "gemfile", "gemfile.lock",
    "go.mod", "go.sum", "go.work", "jenkinsfile", "justfile", "makefile", "pipfile", "pom.xml", "procfile", "rakefile",
    "setup.py", "tiltfile", "vagrantfile", "workspace",
}  # fmt: skip
_CONFIG_ENDINGS = (".config.js", ".config.cjs", ".config.mjs", ".config.ts", "rc.js", "rc.cjs")


def is_protected(path: str) -> bool:
    """Whether the file controls builds, tools, or dependencies; all hidden files and directories count."""
    pure = PurePosixPath(path.lower())
    if any(part.startswith(".") for part in pure.parts):
        return True
    requirements = pure.name.startswith(("requirements", "constraints")) and pure.suffix in (".txt", ".in")
    return (
        requirements
        or pure.suffix in _ENDINGS
        or pure.name in _NAMES
        or pure.name.startswith(("dockerfile.", "makefile."))
        or pure.name.endswith(_CONFIG_ENDINGS)
    )


CountErrors = Callable[[str, str], int | None]
SourceOf = Callable[[str, Side], str | None]


def as_prose(finding: Finding) -> Finding:
    """Move the suggestion into the explanation as code; a suggestion that repeats the quoted code is dropped."""
    if not finding.suggestion or not finding.suggestion.strip():
        return replace(finding, suggestion=None)
    code = unfenced(finding.path, finding.suggestion, finding.quote.split("\n"))
    if is_same_code(code, finding.quote):
        return replace(finding, suggestion=None)
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", code)), default=0))
    explanation = f"{finding.explanation}\n\nPossible fix:\n\n{fence}\n{code}\n{fence}"
    return replace(finding, suggestion=None, explanation=explanation)


def check_suggestion(
    finding: Finding, index: DiffIndex, *, source_of: SourceOf, count_errors: CountErrors
) -> Finding:
    """Keep the suggestion if it fits; drop it if it changes nothing; otherwise move it into the explanation.

    It fits if it replaces lines of the head in a code file and adds no syntax errors. If the file is unavailable, the hunk
    is parsed instead.
    """
    if finding.suggestion is None:
        return finding
    lines, start = _surroundings(finding, index, source_of)
    if not lines:
        return as_prose(finding)
    end = start + finding.end_line - finding.start_line + 1
    replaced = [line.removesuffix("\r") for line in lines[start:end]]
    new = replacement_lines(finding.path, finding.suggestion, replaced, around=lines)
    if [line.rstrip() for line in new] == [line.rstrip() for line in replaced]:
        return replace(finding, suggestion=None)
    after = [*lines[:start], *new, *lines[end:]]
    if _adds_no_error(finding.path, lines, after, count_errors):
        return replace(finding, suggestion="\n".join(new))
    return as_prose(finding)


def _surroundings(finding: Finding, index: DiffIndex, source_of: SourceOf) -> tuple[list[str], int]:
    """The lines to parse and the index of the finding's first line; no lines if nothing may be replaced."""
    if (
        finding.placement is not Placement.INLINE
        or finding.side is not Side.RIGHT
        or is_protected(finding.path)
    ):
        return [], 0
    run = index.run_at(finding.path, Side.RIGHT, finding.start_line)
    if run is None or finding.end_line not in run:
        return [], 0
    source = source_of(finding.path, Side.RIGHT)
    if source is None:
        return run.texts(run.start_line, run.end_line), finding.start_line - run.start_line
    lines = source.split("\n")
    shown = run.texts(finding.start_line, finding.end_line)
    same = [line.rstrip() for line in lines[finding.start_line - 1 : finding.end_line]] == [
        line.rstrip() for line in shown
    ]
    return (lines, finding.start_line - 1) if same else ([], 0)


def _adds_no_error(path: str, before: Sequence[str], after: Sequence[str], count_errors: CountErrors) -> bool:
    now = count_errors(path, "\n".join(after))
    return now is None or now <= (count_errors(path, "\n".join(before)) or 0)
