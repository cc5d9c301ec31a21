"""`.github/quorum.yml` never blocks a review; mistakes are reported with the closest valid key."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from app.domain.configuration import Budget, Gate, PathInstruction, RepositoryConfig
from app.domain.finding import Stage
from app.gather import explain_path
from app.gather.configuration import ConfigurationFile, configuration_schema, parse_configuration
from app.gather.selection import Globs

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "quorum.schema.json"


def messages(text: str | bytes) -> list[str]:
    raw = text.encode() if isinstance(text, str) else text
    return [f"{each.line}: {each.message}" for each in parse_configuration(raw).problems]


def test_defaults_apply_without_a_file() -> None:
    parsed = parse_configuration(None)
    assert parsed.config == RepositoryConfig()
    assert set(parsed.origins.values()) == {"default"}


def test_every_key_of_the_domain_can_be_set_and_has_the_same_default() -> None:
    assert set(ConfigurationFile.model_fields) == {field.name for field in fields(RepositoryConfig)}
    for name, value in RepositoryConfig().__class__.__dataclass_fields__.items():
        if name != "budget":
            assert ConfigurationFile.model_fields[name].default == value.default, name


def test_values_of_the_file_apply() -> None:
    text = """
stages: [review, security]
gate: off
quorum: 3
path_instructions:
  - path: "src/pay/**"
    instructions: mind rounding
budget:
  review_usd: 0.5
language: no
drafts: true
"""
    config = parse_configuration(text.encode()).config
    assert config.stages == (Stage.REVIEW, Stage.SECURITY)
    assert config.gate is Gate.OFF, "`off` is text here, not a boolean"
    assert config.language == "no"
    assert config.path_instructions == (PathInstruction(path="src/pay/**", instructions="mind rounding"),)
    assert (config.quorum, config.drafts, config.budget.review_usd) == (3, True, 0.5)


def test_an_unknown_key_is_reported_with_the_closest_valid_one_and_other_keys_apply() -> None:
    parsed = parse_configuration(b"quorum: 3\nignore_path: [docs]\nmax-inline: 2\nzzz: 1\n")
    assert parsed.config.quorum == 3
    assert [f"{each.line}: {each.message}" for each in parsed.problems] == snapshot(
        [
            "2: There is no key `ignore_path`. It is ignored. Did you mean `ignore_paths`?",
            "3: There is no key `max-inline`. It is ignored. Did you mean `max_inline`?",
            "4: There is no key `zzz`. It is ignored.",
        ]
    )


def test_an_invalid_value_affects_only_its_own_key() -> None:
    assert messages(
        "quorum: 4\ngate: urgent\nmax_inline: -1\nstages: review\nbudget: {reviw_usd: 1}\ndrafts: 2\n"
    ) == snapshot(
        [
            "1: `quorum`: input should be 1, 2 or 3. The default applies.",
            "2: `gate`: input should be 'off', 'critical', 'high' or 'medium'. The default applies.",
            "3: `max_inline`: input should be greater than or equal to 0. The default applies.",
            "4: `stages`: input should be a list. The default applies.",
            "5: `budget.reviw_usd`: unknown key. The default applies. Did you mean `review_usd`?",
            "6: `drafts`: input should be a valid boolean, unable to interpret input. The default applies.",
        ]
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"a: &x 1\nb: *x",
        b"gate: high\ngate: off",
        b"budget: {review_usd: 1, review_usd: 2}",
        b"[" * 3_000,
        b"- a: " * 500,
        b"\xff\xfe",
        b"quorum: " + b"9" * 6_000,
        b"tone: !!python/object/apply:os.system [id]",
        b"!!set {a}",
        b"tone: !!bool perhaps",
        b"- quorum",
        b"just text",
        b"a: [",
        b"\x00",
        b"? [1]\n: 2",
        b"tone: '" + b"x" * 17_000 + b"'",
    ],
)
def test_a_hostile_file_yields_the_defaults_and_one_problem(raw: bytes) -> None:
    parsed = parse_configuration(raw)
    assert parsed.config == RepositoryConfig()
    assert len(parsed.problems) == 1
    assert parsed.problems[0].message.startswith("The file is ignored because ")


@example(b"max_inline: " + b"1:" * 300 + b"1.5")  # in YAML 1.1 a number of base 60, which overflows
@given(st.binary(max_size=400) | st.text(alphabet="quorm: []{}&*!-'\"\n#12", max_size=200).map(str.encode))
def test_no_file_content_raises(raw: bytes) -> None:
    parse_configuration(raw)


def test_each_key_of_the_repository_overrides_the_organization() -> None:
    parsed = parse_configuration(b"quorum: 1\n", organization=b"quorum: 3\nprofile: quiet\n")
    assert (parsed.config.quorum, parsed.config.profile) == (1, "quiet")
    assert (parsed.origins["quorum"], parsed.origins["profile"], parsed.origins["tone"]) == (
        "repository",
        "organization",
        "default",
    )


def test_problems_name_the_organizations_file() -> None:
    [problem] = parse_configuration(None, organization=b"nope: 1").problems
    assert problem.path == "the organization's quorum.yml"


def test_a_repository_can_only_lower_a_budget() -> None:
    operator = Budget(review_usd=1.0, repository_month_usd=50.0)
    parsed = parse_configuration(
        b"budget: {review_usd: 5, pull_request_day_usd: 2}",
        organization=b"budget: {repository_month_usd: 20}",
        operator_budget=operator,
    )
    assert parsed.config.budget == Budget(review_usd=1.0, pull_request_day_usd=2.0, repository_month_usd=20.0)
    assert (
        parse_configuration(b"budget: {review_usd: 5}", operator_budget=operator).origins["budget"]
        == "operator"
    )


def test_the_published_schema_matches_the_code() -> None:
    text = json.dumps(configuration_schema(), indent=2) + "\n"
    assert SCHEMA_FILE.read_text() == text, "write configuration_schema() to docs/quorum.schema.json"


def test_a_mistake_in_an_override_is_named_and_the_rest_of_it_applies() -> None:
    text = """
gate: off
overrides:
  - {paths: ["pay/**"], gate: hgh, min_severity: low}
  - {paths: ["a/"], gat: high, profile: quiet}
  - {paths: pay, gate: high}
  - {gate: high}
  - pay
  - {paths: ["b/"]}
  - {paths: ["[z-a]", "c/"], stages: [review]}
  - {paths: ["d/"], stages: []}
"""
    parsed = parse_configuration(text.encode())
    assert [each.message for each in parsed.problems] == snapshot(
        [
            "`overrides.0.gate`: input should be 'off', 'critical', 'high' or 'medium'. It is ignored.",
            "`overrides.1.gat`: unknown key. It is ignored. Did you mean `gate`?",
            "`overrides.2.paths`: input should be a list. The override is ignored.",
            "`overrides.3.paths`: field required. The override is ignored.",
            "`overrides.4`: input should be a mapping. The override is ignored.",
            "`overrides.5` sets nothing. It is ignored.",
            "`overrides.6.paths`: `[z-a]` is not a glob as in .gitignore. It is ignored.",
            "`overrides.7.stages`: the list should have at least 1 item after validation, not 0. It is ignored.",
            "`overrides.7` sets nothing. It is ignored.",
        ]
    )
    assert [(each.paths, each.gate) for each in parsed.config.overrides] == [
        (("pay/**",), None),
        (("a/",), None),
        (("[z-a]", "c/"), None),
    ]


@pytest.mark.parametrize(
    ("path", "gate"),
    [
        ("shop.py", Gate.OFF),
        ("pay/charge.py", Gate.HIGH),
        ("pay/deep/charge.py", Gate.HIGH),
        ("pay/card_test.py", Gate.HIGH),  # the longer folder beats the longer name
        ("web/card_test.py", Gate.MEDIUM),
        ("pay/fixtures/card.json", Gate.CRITICAL),
        ("pay/fixtures/exact.json", Gate.MEDIUM),
        ("lib/one.py", Gate.HIGH),  # of two equal globs, the later
        ("lib/kept.py", Gate.OFF),  # excluded by `!`
        ("repay/charge.py", Gate.OFF),
    ],
)
def test_the_most_specific_override_decides(path: str, gate: Gate) -> None:
    config = parse_configuration(b"""
overrides:
  - {paths: ["pay/fixtures/exact.json"], gate: medium}
  - {paths: ["pay/fixtures/**"], gate: critical}
  - {paths: ["pay/**"], gate: high}
  - {paths: ["**/*_test.py"], gate: medium}
  - {paths: ["lib/*.py", "!lib/kept.py"], gate: medium}
  - {paths: ["lib/*.py", "!lib/kept.py"], gate: high}
  - {paths: ["pay/charge.py"], profile: quiet}
""").config
    assert explain_path(config, path).rules.gate is gate


@pytest.mark.parametrize("key", ["ignore_paths", "ignore_branches"])
@pytest.mark.parametrize("glob", ["[[:alpha:]]", "[[:x:]]", "[z-a]", "[[:alpha:]", "!", "a\\\\"])
def test_a_glob_that_no_library_accepts_is_a_named_problem_and_the_others_apply(key: str, glob: str) -> None:
    read = parse_configuration(f'{key}: ["{glob}", "dist/", "[[a]"]\n'.encode())
    [problem] = read.problems
    assert (problem.key, problem.line) == (key, 1)
    assert "is not a glob" in problem.message
    globs = Globs(getattr(read.config, key))
    assert globs.matches("dist/a.js")
    assert not globs.matches("src/a.py")


@given(st.text(max_size=20))
def test_no_pattern_raises(pattern: str) -> None:
    Globs([pattern]).matches("src/a.py")


@given(st.text(alphabet="[]!^-:\\\\*?{}()|+.$az/# ", max_size=12))
def test_no_pattern_of_special_characters_raises(pattern: str) -> None:
    Globs([pattern, "a"]).matches("a")
