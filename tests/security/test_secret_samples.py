"""The scan finds nearly all secrets of published formats and reports nearly no look-alikes."""

import random

import pytest

from app.redaction import Redactor
from benchmarks.secrets import MAX_FALSE, MIN_FOUND, reported
from tests.security.secret_samples import look_alike, secret

LINES = 400


def test_at_least_98_percent_of_the_secrets_are_found() -> None:
    found, _, missed = reported(secret, lines=LINES, seed=2)
    assert found >= MIN_FOUND, missed


def test_at_most_2_percent_of_the_look_alikes_are_reported() -> None:
    false, wrong, _ = reported(look_alike, lines=LINES, seed=2)
    assert false <= MAX_FALSE, wrong


@pytest.mark.parametrize(
    "name",
    [
        "cacheKey",
        "queryKey",
        "reactKey",
        "sortKey",
        "pageToken",
        "tokenHash",
        "keyId",
        "key",
        "publicKey",
        "accessMode",
    ],
)
def test_a_random_value_with_an_ordinary_name_is_no_secret(name: str) -> None:
    value = "".join(random.Random(name).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=32))
    assert Redactor().scan(f'const {name} = "{value}";') == []


@pytest.mark.parametrize(
    "name",
    [
        "apiKey",
        "API_KEY",
        "cache_api_key",
        "accessToken",
        "clientSecret",
        "encryptionKey",
        "token",
        "secretKey",
        "openaiKey",
    ],
)
def test_a_random_value_with_the_name_of_a_secret_is_one(name: str) -> None:
    value = "".join(random.Random(name).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=32))
    assert [hit.rule for hit in Redactor().scan(f'const {name} = "{value}";')] == ["generic-api-key"]
