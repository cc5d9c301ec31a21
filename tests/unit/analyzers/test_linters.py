"""Every rule of the linters finds its bad example and nothing in its good one, whatever configuration a change brings."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.analyzers.analysis import analyze
from app.analyzers.hits import Hit, load_rule_file
from app.analyzers.linter_runs import find_linter_hits
from app.analyzers.linters import Hadolint, Linter, Oxlint, ShellCheck
from app.analyzers.runner import find_tool
from app.analyzers.workspace import read_texts
from app.domain.analysis import ChangedFile

OXLINT, SHELLCHECK, HADOLINT = Oxlint(), ShellCheck(), Hadolint()
WITH_EXAMPLES: list[Linter] = [OXLINT, SHELLCHECK, HADOLINT]
BAD_SCRIPT = "if (a = 1) { f(); }\n"
BAD_SHELL = 'rm -rf "$dir/"*\n'
BAD_DOCKERFILE = "FROM debian:12\nRUN sudo make install\n"


def example_path(linter: Linter, code: str) -> str:
    """A file name that the linter takes for the language of the rule's examples."""
    name = code.replace("/", "-")
    script = f"{name}.ts" if code.startswith("typescript/") else f"{name}.jsx"
    return {"oxlint": script, "shellcheck": f"{name}.sh", "hadolint": f"{name}/Dockerfile"}[linter.name]


async def hits_of(linter: Linter, files: Sequence[ChangedFile], directory: Path) -> list[Hit]:
    program = find_tool(linter.name)
    assert program, f"{linter.name} is part of the development environment"
    texts, _ = read_texts(files)
    assert all(linter.accepts(text) for text in texts)
    facts = await find_linter_hits(linter, texts, directory=directory / linter.name, program=program)
    return list(facts.hits)


@pytest.mark.parametrize("linter", WITH_EXAMPLES, ids=lambda linter: linter.name)
async def test_each_rule_finds_its_bad_example(linter: Linter, tmp_path: Path) -> None:
    rules = load_rule_file(linter.name)
    paths = {example_path(linter, code): rule for code, rule in rules.items()}
    hits = await hits_of(
        linter, [ChangedFile.whole(path, rule["bad"]) for path, rule in paths.items()], tmp_path
    )
    found = {(hit.path, hit.title) for hit in hits}
    assert {path for path, rule in paths.items() if (path, rule["title"]) not in found} == set()


@pytest.mark.parametrize("linter", WITH_EXAMPLES, ids=lambda linter: linter.name)
async def test_no_rule_finds_anything_in_a_good_example(linter: Linter, tmp_path: Path) -> None:
    rules = load_rule_file(linter.name)
    files = [ChangedFile.whole(example_path(linter, code), rule["good"]) for code, rule in rules.items()]
    hits = await hits_of(linter, files, tmp_path)
    assert [(hit.path, hit.title) for hit in hits] == []


@pytest.mark.parametrize(
    ("configuration", "content", "path", "source", "expected"),
    [
        (".oxlintrc.json", '{"rules": {"no-cond-assign": "off"}}', "a.js", BAD_SCRIPT, "wrong-operator"),
        (".eslintrc.json", '{"rules": {"no-cond-assign": "off"}}', "a.js", BAD_SCRIPT, "wrong-operator"),
        (".eslintignore", "*.js\n", "a.js", BAD_SCRIPT, "wrong-operator"),
        (".gitignore", "*.js\n", "a.js", BAD_SCRIPT, "wrong-operator"),
        (".shellcheckrc", "disable=SC2115\n", "a.sh", BAD_SHELL, "data-loss"),
        ("shellcheckrc", "disable=SC2115\n", "a.sh", BAD_SHELL, "data-loss"),
        (".hadolint.yaml", "ignored: [DL3004]\n", "Dockerfile", BAD_DOCKERFILE, "insecure-permissions"),
        (".hadolint.yml", "ignored: [DL3004]\n", "Dockerfile", BAD_DOCKERFILE, "insecure-permissions"),
    ],
)
async def test_configuration_of_the_change_has_no_effect(
    configuration: str, content: str, path: str, source: str, expected: str
) -> None:
    files = [ChangedFile.whole(configuration, content), ChangedFile.whole(path, source)]
    findings = (await analyze(files)).findings
    assert [finding.rule_id for finding in findings if finding.path == path] == [expected]


@pytest.mark.parametrize("linter", WITH_EXAMPLES, ids=lambda linter: linter.name)
async def test_configuration_on_the_machine_has_no_effect(linter: Linter, tmp_path: Path) -> None:
    """Linters look for configuration in the folders above and in the home folder."""
    for name, content in {
        ".oxlintrc.json": '{"ignorePatterns": ["**"]}',
        ".shellcheckrc": "disable=SC2115\n",
        ".hadolint.yaml": "ignored: [DL3004]\n",
    }.items():
        (tmp_path / name).write_text(content)
    path, source = {
        "oxlint": ("a.js", BAD_SCRIPT),
        "shellcheck": ("a.sh", BAD_SHELL),
        "hadolint": ("Dockerfile", BAD_DOCKERFILE),
    }[linter.name]
    assert len(await hits_of(linter, [ChangedFile.whole(path, source)], tmp_path)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.js", f"/* eslint-disable */\n{BAD_SCRIPT}"),
        ("b.js", f"// oxlint-disable-next-line no-cond-assign\n{BAD_SCRIPT}"),
        ("c.js", f"/* eslint no-cond-assign: off */\n{BAD_SCRIPT}"),
        ("a.sh", f"# shellcheck disable=all\n{BAD_SHELL}"),
        ("b.sh", f"#!/bin/sh\n# shellcheck shell=sh disable=SC2115\n{BAD_SHELL}"),
        ("Dockerfile", BAD_DOCKERFILE.replace("RUN", "# hadolint ignore=DL3004\nRUN")),
    ],
)
async def test_comments_in_the_change_silence_no_linter(path: str, source: str) -> None:
    assert [finding.path for finding in (await analyze([ChangedFile.whole(path, source)])).findings] == [path]


async def test_hits_have_the_lines_of_the_file_and_of_its_base(tmp_path: Path) -> None:
    old = ChangedFile(
        path="a.js", head=f"f();\n{BAD_SCRIPT}".encode(), base=BAD_SCRIPT.encode(), added=frozenset({1, 2})
    )
    assert (await analyze([old])).findings == ()
    (hit,) = await hits_of(OXLINT, [old], tmp_path)
    assert (hit.start_line, hit.end_line, hit.tool) == (2, 2, "oxlint")


@pytest.mark.parametrize(
    ("linter", "path", "source", "accepted"),
    [
        (SHELLCHECK, "bin/run", "#!/usr/bin/env bash\n", True),
        (SHELLCHECK, "bin/run", "#!/bin/sh -e\n", True),
        (SHELLCHECK, "bin/run", "#!/usr/bin/env python3\n", False),
        (SHELLCHECK, "notes.txt", "rm $file\n", False),
        (HADOLINT, "docker/Dockerfile.dev", "FROM a\n", True),
        (HADOLINT, "app.dockerfile", "FROM a\n", True),
        (HADOLINT, "Containerfile", "FROM a\n", True),
        (HADOLINT, "dockerfiles/readme.txt", "FROM a\n", False),
        (OXLINT, "a.mts", "f();\n", True),
        (OXLINT, "a.vue", "f();\n", False),
    ],
)
def test_each_linter_accepts_its_files(linter: Linter, path: str, source: str, accepted: bool) -> None:
    ((text,), _) = read_texts([ChangedFile.whole(path, source)])
    assert linter.accepts(text) is accepted


async def test_rules_that_need_the_whole_file_do_not_run_on_a_fragment() -> None:
    fragment = ChangedFile(
        path="Dockerfile", head=None, base=None, added=frozenset({7}), visible={7: "RUN sudo make"}
    )
    assert [finding.rule_id for finding in (await analyze([fragment])).findings] == ["insecure-permissions"]


@pytest.mark.parametrize("path", ["a.js", "a.sh", "Dockerfile"])
async def test_code_that_does_not_parse_is_neither_a_finding_nor_a_failure(path: str) -> None:
    analysis = await analyze([ChangedFile.whole(path, "((( ' \n")])
    assert (analysis.findings, analysis.notes) == ((), ())


async def test_a_file_that_does_not_parse_does_not_affect_other_files() -> None:
    for name, source in {"{}.js": BAD_SCRIPT, "{}.sh": BAD_SHELL, "{}/Dockerfile": BAD_DOCKERFILE}.items():
        files = [
            ChangedFile.whole(name.format("a"), "((( ' \n"),
            ChangedFile.whole(name.format("b"), source),
        ]
        assert [one.path for one in (await analyze(files)).findings] == [name.format("b")]


async def test_a_missing_linter_is_noted_only_if_the_change_has_files_for_it() -> None:
    def nothing_installed(_: str) -> Path | None:
        return None

    files = [ChangedFile.whole("a.js", BAD_SCRIPT), ChangedFile.whole("a.sh", BAD_SHELL)]
    notes = (await analyze(files, find_tool=nothing_installed)).notes
    assert notes == (
        "oxlint is not installed, so its rules were not run.",
        "shellcheck is not installed, so its rules were not run.",
    )


WORKFLOW = (
    "name: ci\non: issues\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    permissions: {}\n    steps:\n"
    "      - run: echo ${{ github.event.issue.title }}\n"
)


async def test_a_file_that_a_linter_cannot_read_is_named_and_keeps_it_from_no_other_file() -> None:
    paths = [f".github/workflows/{name}.yml" for name in "abc"]
    files = [ChangedFile.whole(path, "a: [\n" if "b.yml" in path else WORKFLOW) for path in paths]
    analysis = await analyze(files)
    assert [(one.path, one.start_line) for one in analysis.findings] == [(paths[0], 9), (paths[2], 9)]
    assert [(one.path, one.reason) for one in analysis.partly] == [
        (paths[1], "zizmor cannot read it as a workflow, so its rules were not run")
    ]


@pytest.mark.parametrize(
    ("path", "source", "line"),
    [
        ("a.py", "import os\nprint 'x'\n", 2),
        ("a.js", "a b;\n", 1),
        ("a.sh", "if [ a ; then\n", 1),
        ("b.sh", f"#!/bin/zsh\n{BAD_SHELL}", 1),
        ("Dockerfile", "FROM a\n(((\n", 2),
    ],
)
async def test_a_syntax_error_is_named_unless_the_base_has_one_too(path: str, source: str, line: int) -> None:
    (named,) = (await analyze([ChangedFile.whole(path, source)])).unparsed
    assert named.path == path
    assert f"a syntax error in line {line}, so some of its rules may not have run" in named.reason
    known = ChangedFile(path=path, head=source.encode(), base=source.encode(), added=frozenset({1}))
    assert (await analyze([known])).unparsed == ()


async def test_a_linter_that_fails_on_every_file_is_not_started_for_ever(tmp_path: Path) -> None:
    program = tmp_path / "linter"
    program.write_text('#!/bin/sh\necho x >> "$HOME/../count"\nexit 1\n')
    program.chmod(0o700)
    texts, _ = read_texts([ChangedFile.whole(f"{number}.js", "f();\n") for number in range(100)])
    facts = await find_linter_hits(OXLINT, texts, directory=tmp_path / "files", program=program)
    assert len(facts.unread) == 100
    assert len((tmp_path / "count").read_text()) // 2 <= 40
