"""The built-in reviewer as a whole: what it says of a change, and what it keeps to itself."""

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.analyzers.analysis import analyze
from app.analyzers.hidden_characters import find_hidden_hits
from app.analyzers.runner import ProcessLimits, run
from app.analyzers.workspace import fragment_text
from app.domain.analysis import Advisory, AdvisoryAnswer, Analysis, ChangedFile, Package
from app.domain.finding import Severity, Stage
from app.errors import AnalyzerFailed, GitHubUnavailable
from app.redaction import Redactor

PAYMENT = '''"""Payments."""


def find_payment(db, payment_id):
    """The payment with this id."""
    query = "SELECT * FROM payments WHERE id = '" + payment_id + "'"
    return db.execute(query)
'''


def changed(path: str, head: str, base: str | None = None) -> ChangedFile:
    """A file of which the lines that the base does not have count as added."""
    known = set(base.split("\n")) if base is not None else set[str]()
    added = frozenset(number for number, line in enumerate(head.split("\n"), 1) if line and line not in known)
    return ChangedFile(
        path=path, head=head.encode(), base=None if base is None else base.encode(), added=added
    )


def partly(analysis: Analysis) -> dict[str, str]:
    """The reasons by path."""
    return {each.path: each.reason for each in analysis.partly}


async def findings_of(*files: ChangedFile) -> list[tuple[str, int, str]]:
    return [(one.path, one.start_line, one.rule_id) for one in (await analyze(files)).findings]


async def test_a_query_built_from_a_parameter_is_one_high_finding_on_its_line() -> None:
    analysis = await analyze([changed("pay.py", PAYMENT)])
    (finding,) = analysis.findings
    assert (finding.rule_id, finding.cwe, finding.start_line, finding.end_line) == (
        "sql-injection",
        "CWE-89",
        6,
        6,
    )
    assert finding.severity is Severity.HIGH
    assert finding.stage is Stage.SECURITY
    assert finding.quote == '    query = "SELECT * FROM payments WHERE id = \'" + payment_id + "\'"'
    assert finding.found_by == ("analyzers:patterns", "analyzers:ruff")


async def test_only_added_lines_have_findings() -> None:
    file = ChangedFile(path="pay.py", head=PAYMENT.encode(), base=None, added=frozenset({4, 5}))
    assert await findings_of(file) == []


async def test_moved_code_is_not_new() -> None:
    moved = PAYMENT.replace('"""Payments."""', '"""Payments."""\n\nLIMIT = 10')
    file = ChangedFile(
        path="pay.py", head=moved.encode(), base=PAYMENT.encode(), added=frozenset(range(1, 20))
    )
    assert await findings_of(file) == []


async def test_a_second_copy_of_an_old_defect_is_new() -> None:
    twice = PAYMENT + PAYMENT.replace("find_payment", "find_refund").replace('"""Payments."""', "")
    added = frozenset(range(8, 16))
    file = ChangedFile(path="pay.py", head=twice.encode(), base=PAYMENT.encode(), added=added)
    assert [line for _, line, rule in await findings_of(file) if rule == "sql-injection"] == [13]


async def test_noqa_comments_are_ignored() -> None:
    assert await findings_of(changed("a.py", "def f(x=[]):  # noqa\n    return x\n")) == [
        ("a.py", 1, "shared-mutable-state")
    ]


async def test_configuration_of_the_change_is_ignored() -> None:
    files = [
        changed("ruff.toml", 'exclude = ["*"]\n'),
        changed("pyproject.toml", '[tool.ruff]\nexclude = ["*.py"]\n'),
        changed("a.py", "def f(x=[]):\n    return x\n"),
    ]
    assert ("a.py", 1, "shared-mutable-state") in await findings_of(*files)


@pytest.mark.parametrize(
    "path", ["-rf.py", "a b/c.py", "../../evil.py", "n\newline.py", "ü/\udcff.py", "con:.py"], ids=repr
)
async def test_a_hostile_path_is_not_written_to_disk_and_keeps_its_findings(path: str) -> None:
    assert await findings_of(changed(path, PAYMENT)) == [(path, 6, "sql-injection")]


async def test_a_patch_without_the_file_is_reviewed_on_its_own_lines() -> None:
    visible = {
        40: "        name = request.args['name']",
        41: "        cursor.execute(\"SELECT * FROM t WHERE a = '%s'\" % name)",
        42: "        return unknown_here",
        43: "",
        44: "    def other(self):",
        45: "        pass",
    }
    file = ChangedFile(path="v.py", head=None, base=None, added=frozenset({40, 41, 42}), visible=visible)
    (finding,) = (await analyze([file])).findings
    assert (finding.start_line, finding.rule_id, finding.severity) == (41, "sql-injection", Severity.HIGH)


def test_a_fragment_keeps_line_numbers_and_opens_the_enclosing_blocks() -> None:
    text = fragment_text("a.py", {10: "        x = 1", 11: "    y = 2", 12: "z = 3"})
    assert text.split("\n")[7:12] == ["if True:", "    if True:", "        x = 1", "    y = 2", "z = 3"]


async def test_other_languages_are_reviewed_too() -> None:
    found = await findings_of(
        changed("cart.ts", "for (let i = 0; i <= items.length; i++) {\n  total += items[i].price;\n}\n"),
        changed("main.go", "package p\nvar c = &tls.Config{InsecureSkipVerify: true}\n"),
        changed("A.java", 'class A { boolean paid(String s) { return s == "paid"; } }\n'),
    )
    assert found == [
        ("A.java", 1, "wrong-operator"),
        ("cart.ts", 1, "off-by-one"),
        ("main.go", 2, "tls-verification-disabled"),
    ]


async def test_a_workflow_that_inserts_a_title_into_a_script_is_found() -> None:
    workflow = (
        "name: ci\non: issues\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    permissions: {}\n    steps:\n"
        "      - run: echo ${{ github.event.issue.title }} # zizmor: ignore[template-injection]\n"
    )
    found = await findings_of(changed(".github/workflows/ci.yml", workflow))
    assert (".github/workflows/ci.yml", 9, "workflow-injection") in found


async def test_a_secret_is_reported_by_rule_and_line_and_never_by_value() -> None:
    token = "gh" + "p_" + secrets.token_hex(18)
    analysis = await analyze([changed("deploy.py", f'TOKEN = "{token}"\n')], redactor=Redactor())
    (finding,) = analysis.findings
    assert (finding.rule_id, finding.severity) == ("hardcoded-secret", Severity.CRITICAL)
    assert token not in finding.title + finding.explanation + finding.evidence


async def test_no_message_of_a_tool_contains_a_secret() -> None:
    value = "Gh" + secrets.token_hex(6)
    analysis = await analyze([changed("conf.py", f"POSTGRES_PASSWORD={value}\n")])
    assert {finding.rule_id for finding in analysis.findings} == {"undefined-name", "hardcoded-secret"}
    assert not any(value in f"{finding.title} {finding.explanation}" for finding in analysis.findings)


async def test_code_that_does_not_parse_still_gets_the_other_checks() -> None:
    source = 'def f(:\n    q = "SELECT * FROM t WHERE a = " + name\n'
    assert ("a.py", 2, "sql-injection") in await findings_of(changed("a.py", source))


@pytest.mark.parametrize(
    "source",
    ["x = " + "(" * 4_000 + ")" * 4_000, "x = " + "-" * 4_900 + "1", "[" * 4_900],
    ids=["parentheses", "minus", "open"],
)
async def test_a_hostile_file_does_not_affect_other_files(source: str) -> None:
    found = await findings_of(changed("a_first.py", PAYMENT), changed("z_hostile.py", source))
    assert ("a_first.py", 6, "sql-injection") in found


async def test_missing_tools_are_noted_and_the_others_still_run() -> None:
    analysis = await analyze([changed("pay.py", PAYMENT)], find_tool=lambda _: None)
    assert "ruff is not installed, so its rules were not run." in analysis.notes
    assert [one.found_by for one in analysis.findings] == [("analyzers:patterns",)]


async def test_a_file_is_read_only_in_part_if_the_output_of_a_tool_is_invalid() -> None:
    analysis = await analyze([changed("pay.py", PAYMENT)], find_tool=lambda _: Path("/bin/echo"))
    assert partly(analysis) == {
        "pay.py": "ruff wrote output that could not be read, so its rules were not run"
    }
    assert analysis.findings


async def test_deleted_files_have_no_findings() -> None:
    deleted = ChangedFile(path="b.py", head=None, base=PAYMENT.encode(), added=frozenset())
    assert await analyze([deleted]) == Analysis()


async def test_a_huge_file_is_skipped_and_named() -> None:
    analysis = await analyze([changed("big.py", "x = 1\n" * 200_000)])
    assert partly(analysis) == {"big.py": "it is over 1 MB, so the analyzers did not read it"}


async def test_new_public_names_without_documentation_are_listed() -> None:
    base = '"""M."""\n\n\ndef old():\n    return 1\n'
    head = (
        base
        + '\n\ndef new(a):\n    return a\n\n\ndef said():\n    """Says."""\n\n\ndef _private():\n    return 2\n'
    )
    analysis = await analyze([changed("m.py", head, base)])
    assert [(one.name, one.line, one.signature) for one in analysis.undocumented] == [
        ("new", 8, "def new(a)")
    ]


async def test_tests_need_no_documentation() -> None:
    assert (await analyze([changed("tests/test_m.py", "def test_x():\n    assert f()\n")])).undocumented == ()


async def test_changes_of_a_python_interface_say_what_breaks() -> None:
    base = '"""M."""\n\ndef pay(a, b=1):\n    """P."""\n\ndef gone():\n    """G."""\n'
    head = '"""M."""\n\ndef pay(a, b, c):\n    """P."""\n\ndef fresh():\n    """F."""\n'
    changes = (await analyze([changed("m.py", head, base)])).api_changes
    assert {(one.name, one.change, one.breaking) for one in changes} >= {
        ("gone", "removed", True),
        ("fresh", "added", False),
    }
    assert any(one.change == "changed" and one.breaking and one.name.startswith("pay") for one in changes)


async def test_a_changed_function_is_reported_once() -> None:
    base = '"""M."""\n\ndef pay(a, b=1, d=2):\n    """P."""\n'
    head = '"""M."""\n\ndef pay(a, b, c):\n    """P."""\n'
    (change,) = (await analyze([changed("m.py", head, base)])).api_changes
    assert change.name == "pay"
    assert change.detail == (
        "A parameter is now required, which breaks callers that omit it. A parameter was removed, which breaks callers that "
        "pass it. A new required parameter breaks existing callers."
    )


async def test_changes_of_other_interfaces_are_detected_by_signature() -> None:
    base = "package p\n\n// Pay pays.\nfunc Pay(a int) {}\n\n// Gone goes.\nfunc Gone() {}\n"
    head = "package p\n\n// Pay pays.\nfunc Pay(a int, b int) {}\n"
    changes = (await analyze([changed("p.go", head, base)])).api_changes
    assert [(one.name, one.change, one.before, one.after) for one in changes] == [
        ("Pay", "changed", "func Pay(a int)", "func Pay(a int, b int)"),
        ("Gone", "removed", "func Gone()", None),
    ]


async def test_new_packages_that_nobody_checked_are_never_called_clean() -> None:
    analysis = await analyze([changed("requirements.txt", "left-pad==2.0\n")])
    (note,) = analysis.notes
    assert note.startswith(
        "Could not check new packages for known vulnerabilities (no source of advisories is configured, and a bundled selection of"
    )
    assert note.endswith("has no data): left-pad 2.0.")


async def test_a_source_that_does_not_answer_is_named() -> None:
    async def down(_: Sequence[Package]) -> AdvisoryAnswer:
        raise GitHubUnavailable("502")

    for version in ("flask==2.0", "flask==99.0"):  # in the bundled file with a flaw, and without
        analysis = await analyze([changed("requirements.txt", f"{version}\n")], lookup_advisories=down)
        assert "did not respond (502)" in analysis.notes[0]


async def test_a_known_flaw_of_a_new_package_is_a_finding_on_its_line() -> None:
    async def known(packages: Sequence[Package]) -> AdvisoryAnswer:
        flaws = [
            Advisory(
                package=one,
                id="GHSA-x",
                severity=Severity.HIGH,
                summary="Cookies leak",
                fixed_version="2.2.5",
            )
            for one in packages
            if one.name == "flask"
        ]
        return AdvisoryAnswer(source="the advisory database", advisories=tuple(flaws))

    file = changed("requirements.txt", "requests==2.0\nflask==2.0\n", "requests==2.0\n")
    analysis = await analyze([file], lookup_advisories=known)
    (finding,) = analysis.findings
    assert (finding.start_line, finding.rule_id) == (2, "vulnerable-dependency")
    assert finding.explanation == "Cookies leak. Fixed in 2.2.5."
    assert analysis.notes == ("Checked 1 new package against the advisory database.",)


MANIFESTS = {
    "pyproject.toml": '[project]\ndependencies = ["flask==2.0"]\n',
    "poetry.lock": '[[package]]\nname = "flask"\nversion = "2.0"\n',
    "web/package.json": '{"dependencies": {"flask": "2.0"}}\n',
    "package-lock.json": '{"packages": {"": {}, "node_modules/flask": {"version": "2.0"}}}\n',
    "go.mod": "module a\n\nrequire (\n\texample.com/flask v2.0\n)\n",
    "pom.xml": "<dependency><groupId>a</groupId><artifactId>flask</artifactId><version>2.0</version></dependency>\n",
    "Gemfile.lock": "GEM\n  specs:\n    flask (2.0)\n",
    "Cargo.toml": '[dependencies]\nflask = "2.0"\n',
    "yarn.lock": 'flask@^2.0:\n  version "2.0"\n',
    "pnpm-lock.yaml": "packages:\n  flask@2.0:\n    resolution: {}\n",
}


@pytest.mark.parametrize("path", MANIFESTS)
async def test_new_packages_in_each_kind_of_manifest_are_found(path: str) -> None:
    asked: list[Package] = []

    async def remember(packages: Sequence[Package]) -> AdvisoryAnswer:
        asked.extend(packages)
        return AdvisoryAnswer(source="nobody")

    await analyze([changed(path, MANIFESTS[path])], lookup_advisories=remember)
    assert [
        (one.name.rpartition("/")[2].rpartition(":")[2], (one.version or "").lstrip("v")) for one in asked
    ] == [("flask", "2.0")]


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("if ok\u202e: pass", Severity.HIGH),
        ("x = 'a\U000e0041'", Severity.HIGH),
        ("na\u200bme = 1", Severity.MEDIUM),
        ("na\u200dme = 1", Severity.MEDIUM),
    ],
    ids=["bidi", "tag", "zero width", "joiner"],
)
def test_hidden_characters_are_found(text: str, severity: Severity) -> None:
    assert [(hit.start_line, hit.severity) for hit in find_hidden_hits("a.py", f"ok\n{text}\n")] == [
        (2, severity)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "naïve café",
        "👩\u200d💻 ok",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "می\u200cخواهم",
        "❤\ufe0f",
    ],
    ids=["accents", "emoji", "flag", "persian", "heart"],
)
def test_ordinary_text_has_no_hidden_characters(text: str) -> None:
    assert list(find_hidden_hits("a.md", text)) == []


async def test_a_process_sees_no_token_and_ends_in_time(tmp_path: Path) -> None:
    show = "import os; print(sorted(os.environ))"
    finished = await run([sys.executable, "-I", "-c", show], directory=tmp_path)
    names = finished.complete().decode()
    assert "TOKEN" not in names
    assert "KEY" not in names


async def test_a_process_that_hangs_is_killed(tmp_path: Path) -> None:
    finished = await run(
        [sys.executable, "-c", "while True: pass"], directory=tmp_path, limits=ProcessLimits(seconds=0.3)
    )
    with pytest.raises(AnalyzerFailed, match="took longer"):
        finished.complete()


async def test_a_process_that_writes_too_much_is_killed(tmp_path: Path) -> None:
    flood = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    finished = await run(
        [sys.executable, "-c", flood], directory=tmp_path, limits=ProcessLimits(output_bytes=1 << 20)
    )
    assert finished.problem == "wrote more than 1 MB"


async def test_a_process_gets_no_more_memory_than_its_limit(tmp_path: Path) -> None:
    hungry = "x = bytearray(2 << 30); print('got it')"
    finished = await run(
        [sys.executable, "-c", hungry], directory=tmp_path, limits=ProcessLimits(memory_bytes=1 << 30)
    )
    assert b"got it" not in finished.output


async def test_an_edited_name_is_distinguished_from_a_new_one() -> None:
    base = "def old(a):\n    return a\n"
    head = "def old(a, b=1):\n    return a\n\n\ndef new():\n    return 1\n"
    analysis = await analyze([changed("m.py", head, base)])
    assert [(one.name, one.existed) for one in analysis.undocumented] == [("old", True), ("new", False)]


async def test_private_methods_are_not_part_of_the_interface_of_a_ruby_class() -> None:
    head = (
        "# Team.\nclass Team\n  def shown\n  end\n\n  private\n\n  def hidden\n  end\n\n"
        "  public\n\n  def again\n  end\n\n  private def alone\n  end\nend\n"
    )
    analysis = await analyze([changed("team.rb", head)])
    assert [one.name for one in analysis.undocumented] == ["Team.shown", "Team.again"]


async def test_moving_parameters_of_a_route_is_not_a_breaking_change() -> None:
    def source(route: str, parameters: str) -> str:
        return f'"""M."""\n\n{route}\ndef show({parameters}):\n    """S."""\n'

    for route, breaking in (("@router.get('/x')", []), ("@cached", [True])):
        head, base = source(route, "b, a"), source(route, "a, b")
        changes = (await analyze([changed("m.py", head, base)])).api_changes
        assert [one.breaking for one in changes] == breaking


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("m.py", "def get(a) -> int: ...\n", "def get(a) -> str: ...\n"),
        (
            "m.ts",
            "export function get(f: (a: string) => void): string { return f }\n",
            "export function get(f: (a: string) => void): number { return f }\n",
        ),
        ("m.rs", "pub fn get(a: u8) -> u8 { a }\n", "pub fn get(a: u8) -> Option<u8> { a }\n"),
    ],
)
async def test_a_changed_return_type_is_a_breaking_change(path: str, before: str, after: str) -> None:
    (change,) = (await analyze([changed(path, after, before)])).api_changes
    assert (change.name, change.breaking, change.detail) == ("get", True, "The return type changed.")


async def test_a_rule_that_matches_many_times_is_one_finding_that_names_the_other_places() -> None:
    calls = "import os\n\n" + "".join(f"os.system('ls {n} ' + input())\n" for n in range(20))
    (one,) = (await analyze([changed("a.py", calls), changed("b.py", calls)])).findings
    assert (one.path, one.start_line, one.rule_id) == ("a.py", 3, "command-injection")
    places = [(each.path, each.start_line) for each in one.duplicates]
    assert places == [("a.py", line) for line in range(4, 23)] + [("b.py", line) for line in range(3, 23)]


async def test_a_rule_that_matches_a_few_times_stays_a_finding_for_each_place() -> None:
    calls = "import os\n\n" + "".join(f"os.system('ls {n} ' + input())\n" for n in range(3))
    found = (await analyze([changed("a.py", calls)])).findings
    assert [(each.start_line, each.duplicates) for each in found] == [(3, ()), (4, ()), (5, ())]


@pytest.mark.parametrize(
    ("base", "head"),
    [
        pytest.param("x = (\n", "x = 1\n", id="the change repairs a syntax error"),
        pytest.param("x = 1\n", "type X = int\nx = 2\n", id="newer syntax"),
        pytest.param("version https://git-lfs.github.com/spec/v1\n", "x = 1\n", id="a pointer before"),
        pytest.param("x = 1  # \0\n", "x = 1\n", id="the change removes a NUL"),
    ],
)
async def test_an_interface_that_cannot_be_compared_does_not_make_a_file_partly_read(
    base: str, head: str
) -> None:
    assert partly(await analyze([changed("shop.py", head, base)])) == {}
