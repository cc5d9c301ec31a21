"""The advisories that come with the program: what they know, what they do not, and how they are made."""

import gzip
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from app.analyzers.bundled_advisories import (
    DEFAULT_FILE,
    ORDERS,
    BundledAdvisories,
    bundled_advisories,
    semver_key,
)
from app.analyzers.dependencies import find_dependency_facts
from app.domain.analysis import AdvisoryAnswer, ChangedFile, Package
from app.errors import GitHubUnavailable

SCRIPT = Path(__file__).parents[3] / "scripts" / "advisories.py"
ROW = [
    "pip",
    "Py_Thing",
    "CVE-1",
    "high",
    "It leaks",
    [["0", "1.2.3", None], ["2.0", "2.1", None], ["3.0", None, "3.4"]],
]


def of_rows(*rows: object, complete: tuple[str, ...] = ()) -> BundledAdvisories:
    return BundledAdvisories(
        {"date": "2026-11-22", "licence": "CC-BY-4.0", "complete": complete, "advisories": list(rows)}
    )


def package(name: str, version: str | None, ecosystem: str = "pip") -> Package:
    return Package(ecosystem=ecosystem, name=name, version=version, path="requirements.txt", line=1)


@pytest.mark.parametrize(
    ("version", "fixed"),
    [
        ("1.2.2", "1.2.3"),
        ("0.9", "1.2.3"),
        ("2.0.5", "2.1"),
        ("3.4", None),
        ("1.2.3rc1", "1.2.3"),
    ],
)
def test_a_version_inside_a_range_has_the_flaw(version: str, fixed: str | None) -> None:
    (found,) = of_rows(ROW).judge([package("py-thing", version)]).advisories
    assert (found.id, found.fixed_version, found.severity.value) == ("CVE-1", fixed, "high")


@pytest.mark.parametrize("version", ["1.2.3", "1.9", "2.1", "3.4.1", "10.0"])
def test_a_selection_never_reports_a_version_as_safe(version: str) -> None:
    asked = package("Py.Thing", version)
    answer = of_rows(ROW).judge([asked])
    assert (answer.advisories, answer.unchecked) == ((), (asked,))


def test_packages_of_a_complete_ecosystem_count_as_checked() -> None:
    complete = of_rows(ROW, complete=("pip",))
    answer = complete.judge(
        [package("other", "1.0"), package("py-thing", "1.9"), package("other", "1", "npm")]
    )
    assert [each.ecosystem for each in answer.unchecked] == ["npm"]


@pytest.mark.parametrize(
    "unknown",
    [
        package("py-thing", None),
        package("py-thing", "latest"),
        package("py-thing", "1.0", "maven"),
        package("py-thing", "^1.2", "npm"),
    ],
    ids=["a range", "no version", "an ecosystem of another order", "an npm range"],
)
def test_versions_without_a_known_order_are_not_checked(unknown: Package) -> None:
    assert of_rows(ROW, complete=("pip", "npm")).judge([unknown]).unchecked == (unknown,)


def test_semantic_versions_sort_according_to_the_specification() -> None:
    pre = [
        f"1.0.0-{each}" for each in ("alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1")
    ]
    ordered = [*pre, "1.0.0", "2.0.0", "2.1.0", "2.1.1", "10.0.0"]
    assert sorted(sorted(ordered), key=semver_key) == ordered
    assert semver_key("v1.2.3+build.5") == semver_key("1.2.3")
    assert semver_key("0") == semver_key("0.0.0")


numbers = st.lists(st.integers(0, 40), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))


@given(numbers, numbers)
def test_simple_versions_sort_the_same_way_in_both_orders(one: str, other: str) -> None:
    assert (semver_key(one) < semver_key(other)) == (Version(one) < Version(other))


def test_a_selection_is_named_with_its_size_and_date() -> None:
    assert of_rows(ROW).name == "a bundled selection of 1 advisories (2026-11-22)"


def test_a_whole_database_is_named_with_date_size_and_license() -> None:
    assert of_rows(ROW, complete=("pip",)).name == (
        "the bundled advisory file of 2026-11-22 (1 advisories on 1 packages; CC-BY-4.0)"
    )


def test_the_bundled_file_is_small_and_matches_the_output_of_its_script(tmp_path: Path) -> None:
    made = tmp_path / "made.json.gz"
    subprocess.run([sys.executable, SCRIPT, "--out", made], check=True, capture_output=True)
    assert gzip.decompress(made.read_bytes()) == gzip.decompress(DEFAULT_FILE.read_bytes())
    assert DEFAULT_FILE.stat().st_size < 2_000_000
    rows = json.loads(gzip.decompress(DEFAULT_FILE.read_bytes()))["advisories"]
    assert len({row[1] for row in rows}) >= 39
    assert len({(package, id_) for _, package, id_, *_ in rows}) == len(rows)
    for ecosystem, _, id_, severity, summary, spans in rows:
        assert (id_[:4], bool(summary)) == ("CVE-", True)
        assert severity in ("critical", "high", "medium", "low")
        order = ORDERS[ecosystem]
        assert all(order(introduced) < order(fixed) for introduced, fixed, _ in spans)


def test_each_row_of_the_selection_names_its_source_record() -> None:
    selection = tomllib.loads(SCRIPT.with_suffix(".toml").read_text())
    assert "not complete" in SCRIPT.with_suffix(".toml").read_text().split("\n\n")[0]
    records = re.compile(
        r"https://github\.com/(advisories|[\w.-]+/[\w.-]+/security/advisories)/GHSA(-[2-9a-z]{4}){3}"
        r"|https://github\.com/pypa/advisory-database/blob/main/vulns/[\w-]+/PYSEC-\d{4}-\d+\.yaml"
    )
    without = [row["id"] for row in selection["advisories"] if not records.fullmatch(row["source"])]
    assert without == []


@pytest.mark.parametrize(
    ("name", "version", "ecosystem", "flaws"),
    [
        ("PyYAML", "5.3.1", "pip", {"CVE-2020-14343"}),
        ("jinja2", "3.1.3", "pip", {"CVE-2024-34064"}),
        ("lodash", "4.17.20", "npm", {"CVE-2021-23337"}),
        ("@babel/traverse", "8.0.0-alpha.3", "npm", {"CVE-2023-45133"}),
        ("python-jose", "3.3.0", "pip", {"CVE-2024-33663"}),
        ("Werkzeug", "2.3.8", "pip", {"CVE-2024-34069"}),
        ("golang.org/x/net", "v0.16.0", "go", {"CVE-2023-39325", "CVE-2023-45288"}),
    ],
)
def test_well_known_flaws_are_found_offline(name: str, version: str, ecosystem: str, flaws: set[str]) -> None:
    answer = bundled_advisories().judge([package(name, version, ecosystem)])
    assert {each.id for each in answer.advisories} == flaws


OSV = {
    "GHSA-1.json": {
        "id": "GHSA-1",
        "aliases": ["CVE-9"],
        "summary": "Leaks",
        "database_specific": {"severity": "MODERATE"},
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "thing"},
                "ranges": [
                    {"type": "GIT", "events": [{"introduced": "0"}]},
                    {
                        "type": "ECOSYSTEM",
                        "events": [
                            {"introduced": "0"},
                            {"fixed": "1.1"},
                            {"introduced": "2.0"},
                            {"last_affected": "2.4"},
                        ],
                    },
                ],
            },
            {
                "package": {"ecosystem": "Maven", "name": "a:b"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
            },
        ],
    },
    "PYSEC-1.json": {
        "id": "PYSEC-1",
        "aliases": ["CVE-9"],
        "details": "The same again",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "thing"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
            }
        ],
    },
    "GHSA-2.json": {
        "id": "GHSA-2",
        "withdrawn": "2026-01-01",
        "affected": [
            {
                "package": {"ecosystem": "npm", "name": "gone"},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
            }
        ],
    },
}


def test_a_whole_database_in_the_osv_format_can_replace_the_selection(tmp_path: Path) -> None:
    for name, record in OSV.items():
        (tmp_path / name).write_text(json.dumps(record))
    made = tmp_path / "made.gz"
    options = ["--osv", tmp_path, "--complete", "pip", "--license", "CC-BY-4.0", "--out", made]
    subprocess.run([sys.executable, SCRIPT, *options], check=True, capture_output=True)
    content = json.loads(gzip.decompress(made.read_bytes()))
    assert content["advisories"] == [
        ["pip", "thing", "GHSA-1", "medium", "Leaks", [["0", "1.1", None], ["2.0", None, "2.4"]]]
    ]
    answer = BundledAdvisories.load(made).judge([package("thing", "2.4"), package("thing", "2.5")])
    assert ([each.id for each in answer.advisories], answer.unchecked) == (["GHSA-1"], ())


REQUIREMENTS = ChangedFile.whole("requirements.txt", "flask==2.0\nleft-pad==1.0\npyyaml==5.3.1\n")


async def test_without_a_source_the_file_answers_and_the_rest_is_unchecked() -> None:
    facts = await find_dependency_facts([REQUIREMENTS], lookup=None)
    assert [hit.title for hit in facts.hits] == [
        "flask 2.0 has a known vulnerability (CVE-2023-30861)",
        "pyyaml 5.3.1 has a known vulnerability (CVE-2020-14343)",
    ]
    checked, unchecked = facts.notes
    assert re.fullmatch(
        r"Checked 2 new packages against a bundled selection of \d+ advisories \(2026-11-22\) because "
        r"no source of advisories is configured\.",
        checked,
    )
    assert unchecked.startswith(
        "Could not check new packages for known vulnerabilities (no source of advisories is configured, and a bundled selection of"
    )
    assert unchecked.endswith("has no data): left-pad 1.0.")
    assert [one.name for one in facts.unchecked] == ["left-pad"]


async def test_where_the_source_is_down_the_file_answers_and_both_are_named() -> None:
    async def down(_: object) -> AdvisoryAnswer:
        raise GitHubUnavailable("502")

    facts = await find_dependency_facts([REQUIREMENTS], lookup=down)
    assert len(facts.hits) == 2
    assert facts.notes[0].endswith("(2026-11-22) because the advisory source did not respond (502).")
    assert "the advisory source did not respond (502), and a bundled selection of" in facts.notes[-1]


async def test_the_bundled_file_checks_only_what_the_source_could_not() -> None:
    async def knows_flask(packages: Sequence[Package]) -> AdvisoryAnswer:
        left = tuple(one for one in packages if one.name != "flask")
        return AdvisoryAnswer(source="GitHub's dependency review", unchecked=left)

    facts = await find_dependency_facts([REQUIREMENTS], lookup=knows_flask)
    assert [hit.title for hit in facts.hits] == ["pyyaml 5.3.1 has a known vulnerability (CVE-2020-14343)"]
    assert facts.notes[0] == "Checked 1 new package against GitHub's dependency review."
    assert "GitHub's dependency review cannot check them, and a bundled selection" in facts.notes[-1]
