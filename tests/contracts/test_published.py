"""The stand-in's GraphQL schema is a part of the published one, and the vendored data is complete."""

import json

import pytest
from graphql.language import ast

from github_sandbox.graphql_api import SCHEMA_PATH
from tests.contracts.graphql import check_document, definitions, members
from tests.contracts.vendoring import DATA

MINE = definitions(SCHEMA_PATH.read_text(encoding="utf-8"))
PUBLISHED = definitions((DATA / "schema.graphql").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(MINE))
def test_each_type_of_the_stand_in_is_part_of_the_published_one(name: str) -> None:
    assert type(MINE[name]) is type(PUBLISHED[name])
    published = members(PUBLISHED[name])
    for member, (kind, arguments) in members(MINE[name]).items():
        assert published[member][0] == kind, member
        assert arguments.items() <= published[member][1].items(), member
        required = {a for a, t in published[member][1].items() if t.endswith("!")}
        assert required <= arguments.keys(), member


@pytest.mark.parametrize(
    "name", sorted(n for n, d in MINE.items() if isinstance(d, ast.InputObjectTypeDefinitionNode))
)
def test_inputs_and_enums_are_complete(name: str) -> None:
    assert members(MINE[name]) == members(PUBLISHED[name])


def test_a_document_is_checked_against_the_schema() -> None:
    assert (
        check_document(
            'query($n: Int!) { repository(owner: "a", name: "b") { pullRequest(number: $n) { title } } }'
        )
        == []
    )
    assert check_document("{ viewer { password } }") == ["Cannot query field 'password' on type 'User'."]


def test_the_examples_of_webhooks_are_complete() -> None:
    examples = json.loads((DATA / "webhooks-examples.json").read_text(encoding="utf-8"))
    assert (len(examples), sum(map(len, examples.values()))) == (58, 329)
    assert len(examples["pull_request"]) == 29


def test_the_vendored_data_names_its_licenses() -> None:
    licenses = (DATA / "LICENSES.md").read_text(encoding="utf-8")
    assert all(path.name in licenses for path in DATA.iterdir() if path.name != "LICENSES.md")
    assert "MIT" in licenses
