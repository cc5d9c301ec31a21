"""The linters that Quorum runs as programs: which files each one checks, how it is called, and how its output is read.

Each linter sees only the changed files that it accepts, in its own directory, with numbers as names. It ignores configuration
files of the pull request and comments that would silence it. `rules/<linter>.yml` maps its codes to Quorum's rules, severities, and
texts; codes that are not in the file are not reported. If only the patch of a file is known, rules that need the whole file do not
run on it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from app.analyzers.hits import load_rule_file
from app.analyzers.workspace import ChangedText
from app.errors import AnalyzerFailed
from app.syntax import language_of

UNPARSED = "syntax error"  # the code of a report that the file, or a part of it, was not read
SCRIPTS = frozenset({"javascript", "typescript", "tsx"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One entry of a linter's output; `file_name` is the name that the linter received, and rows count from 1."""

    file_name: str
    code: str
    start_row: int
    end_row: int
    message: str


class Linter(Protocol):
    """One program; `name` is also the name of its rule file and the finder of its findings."""

    @property
    def name(self) -> str:
        """The program's name."""
        ...

    def accepts(self, text: ChangedText) -> bool:
        """Whether the linter checks this file."""
        ...

    def unsilenced(self, source: str) -> str:
        """The source without comments that would silence the linter; every row keeps its number."""
        ...

    def arguments(self, directory: Path) -> Sequence[str]:
        """The options before the file names; may write Quorum's own configuration file."""
        ...

    def reports(self, output: bytes) -> Iterator[Report]:
        """The rows of the output; raises `ValueError` or `AnalyzerFailed` if it is not in the expected format."""
        ...


@dataclass(frozen=True, slots=True)
class Ruff:
    """Security and bug rules for Python. https://docs.astral.sh/ruff/linter/"""

    name: str = "ruff"

    def accepts(self, text: ChangedText) -> bool:
        """Accept Python files, and scripts whose shebang names Python."""
        return language_of(text.path, text.head) == "python"

    def unsilenced(self, source: str) -> str:
        """Return the source unchanged: an option ignores `noqa`."""
        return source

    def arguments(self, directory: Path) -> Sequence[str]:
        """Ignore every configuration file."""
        return [
            *("check", "--isolated", "--no-cache", "--ignore-noqa", "--preview", "--quiet", "--exit-zero"),
            *(
                "--target-version=py314",
                "--output-format=json",
                f"--select={','.join(load_rule_file('ruff'))}",
            ),
        ]

    def reports(self, output: bytes) -> Iterator[Report]:
        """Parse an array of objects; only syntax errors have no code."""
        for row in json.loads(output):
            yield Report(
                file_name="/".join(Path(row["filename"]).parts[-2:]),
                code=row["code"] or UNPARSED,
                start_row=row["location"]["row"],
                end_row=row["end_location"]["row"],
                message=row["message"],
            )


@dataclass(frozen=True, slots=True)
class Oxlint:
    """Bug rules for JavaScript and TypeScript. https://oxc.rs/docs/guide/usage/linter/rules.html"""

    name: str = "oxlint"

    def accepts(self, text: ChangedText) -> bool:
        """Accept JavaScript, TypeScript, and JSX files."""
        return language_of(text.path) in SCRIPTS

    def unsilenced(self, source: str) -> str:
        """No option ignores `eslint-disable` and `oxlint-disable`, so change these words."""
        return re.sub(r"\b((?:es|ox)lint)-(?=(?:disable|enable)\b)", r"\1_", source)

    def arguments(self, directory: Path) -> Sequence[str]:
        """Use Quorum's own configuration, which has no plugins that load code."""
        rules = dict.fromkeys(load_rule_file("oxlint"), "error")
        plugins = sorted({name.partition("/")[0] for name in rules if "/" in name} | {"eslint"})
        configuration = {"plugins": plugins, "categories": {"correctness": "off"}, "rules": rules}
        (directory / "oxlint.json").write_text(json.dumps(configuration))
        return [
            "--config=oxlint.json",
            "--disable-nested-config",
            "--no-ignore",
            "--format=json",
            "--threads=2",
        ]

    def reports(self, output: bytes) -> Iterator[Report]:
        """Parse one object; only syntax errors have no code."""
        for row in json.loads(output)["diagnostics"]:
            line = row["labels"][0]["span"]["line"] if row["labels"] else 1
            yield Report(
                file_name=row["filename"],
                code=_oxlint_code(row.get("code")),
                start_row=line,
                end_row=line,
                message=row["message"],
            )


def _oxlint_code(code: str | None) -> str:
    """`no-eval` of `eslint(no-eval)`, `react/no-danger` of `react-hooks(no-danger)` and of `react(no-danger)`."""
    if code is None:
        return UNPARSED
    plugin, _, name = code.removesuffix(")").partition("(")
    return name if plugin == "eslint" else f"{plugin.removesuffix('-hooks')}/{name}"


_SHELLCHECK_UNPARSED = ("SC1071", "SC1072", "SC1073")  # another shell, or a syntax error: it stops there


@dataclass(frozen=True, slots=True)
class ShellCheck:
    """Bug rules for shell scripts; a separate program under the GPL. https://www.shellcheck.net/wiki/"""

    name: str = "shellcheck"

    def accepts(self, text: ChangedText) -> bool:
        """Accept files named `.sh` or `.bash`, and files whose shebang names such a shell."""
        shebang = re.match(r"#!\s*/\S*?(?:\benv\s+)?\b(?:ba|da|k)?sh\b", text.head)
        return language_of(text.path) == "bash" or shebang is not None

    def unsilenced(self, source: str) -> str:
        """No option ignores `# shellcheck disable=…`, so keep only the dialect of a directive."""
        return re.sub(r"#[ \t]*shellcheck[ \t][^\n]*", _only_dialect, source)

    def arguments(self, directory: Path) -> Sequence[str]:
        """Ignore configuration files, and do not follow sourced files."""
        codes = ",".join([*load_rule_file("shellcheck"), *_SHELLCHECK_UNPARSED])
        return ["--norc", "--format=json1", f"--include={codes}"]

    def reports(self, output: bytes) -> Iterator[Report]:
        """Parse one object with all comments."""
        for row in json.loads(output)["comments"]:
            yield Report(
                file_name=row["file"],
                code=UNPARSED if (code := f"SC{row['code']}") in _SHELLCHECK_UNPARSED else code,
                start_row=row["line"],
                end_row=row["line"],  # the end of a block is far from the cause
                message=row["message"],
            )


def _only_dialect(directive: re.Match[str]) -> str:
    shell = re.search(r"\bshell=\w+", directive[0])
    return f"# shellcheck {shell[0]}" if shell else "#"


@dataclass(frozen=True, slots=True)
class Hadolint:
    """Bug and security rules for Dockerfiles; a separate program under the GPL. https://github.com/hadolint/hadolint#rules"""

    name: str = "hadolint"

    def accepts(self, text: ChangedText) -> bool:
        """Accept `Dockerfile`, `Containerfile`, and names with such a prefix or suffix."""
        return re.search(r"(?i)(?:^|/|\.)(?:docker|container)file(?:\.[\w-]+)?$", text.path) is not None

    def unsilenced(self, source: str) -> str:
        """Return the source unchanged: an option ignores `hadolint ignore=…`."""
        return source

    def arguments(self, directory: Path) -> Sequence[str]:
        """Use an empty configuration."""
        (directory / "hadolint.yaml").write_text("{}\n")
        return ["--config=hadolint.yaml", "--no-fail", "--disable-ignore-pragma", "--format=json"]

    def reports(self, output: bytes) -> Iterator[Report]:
        """Parse an array of objects."""
        for row in json.loads(output):
            yield Report(
                file_name=row["file"],
                code=UNPARSED if row["code"] == "DL1000" else row["code"],
                start_row=row["line"],
                end_row=row["line"],
                message=row["message"],
            )


@dataclass(frozen=True, slots=True)
class Zizmor:
    """Security rules for GitHub workflows, offline. https://docs.zizmor.sh/audits/"""

    name: str = "zizmor"

    def accepts(self, text: ChangedText) -> bool:
        """Accept files that GitHub would run."""
        return re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", text.path) is not None

    def unsilenced(self, source: str) -> str:
        """Return the source unchanged: an option ignores `zizmor: ignore`."""
        return source

    def arguments(self, directory: Path) -> Sequence[str]:
        """Ignore configuration files, stay offline, and fail on a file that is no workflow instead of skipping it."""
        return [
            *(
                "--offline",
                "--strict-collection",
                "--no-config",
                "--no-ignores",
                "--no-exit-codes",
                "--no-progress",
                "--format=json",
            ),
        ]

    def reports(self, output: bytes) -> Iterator[Report]:
        """Parse an array of objects; skip tags of GitHub's own actions, because pinning those is a matter of policy."""
        if not output.strip():
            raise AnalyzerFailed("cannot read it as a workflow")
        for row in json.loads(output):
            place = next(each for each in row["locations"] if each["symbolic"]["kind"] == "Primary")
            feature = place["concrete"]["feature"]
            if row["ident"] != "unpinned-uses" or not re.search(r"(?:actions|github)/", feature):
                yield _zizmor_report(row, place)


def _zizmor_report(row: Mapping[str, Any], place: Mapping[str, Any]) -> Report:
    location = place["concrete"]["location"]
    first, last = location["start_point"]["row"] + 1, location["end_point"]["row"] + 1
    return Report(
        file_name=place["symbolic"]["key"]["Local"]["verbatim_path"],
        code=row["ident"],
        start_row=first,
        end_row=max(first, last - (location["end_point"]["column"] == 0)),
        message="",
    )


LINTERS: tuple[Linter, ...] = (Ruff(), Oxlint(), ShellCheck(), Hadolint(), Zizmor())
