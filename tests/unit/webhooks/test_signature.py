import hashlib
import hmac
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ConfigurationError
from tests.unit.webhooks.deliveries import SECRET, sign
from webhooks.signature import SignatureCheck, check_secrets

KEYS = check_secrets([SECRET])


def is_signed(body: bytes, header: str | None, keys: Sequence[bytes]) -> bool:
    """Check a body that arrives in two parts."""
    check = SignatureCheck(header, keys)
    check.update(body[:3])
    check.update(body[3:])
    return check.is_valid()


def test_a_body_that_github_signed_is_accepted() -> None:
    # GitHub's own example: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert is_signed(b"Hello, World!", header, check_secrets(["It's a Secret to Everybody"]))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha1=" + hmac.new(SECRET.encode(), b"body", hashlib.sha1).hexdigest(),
        "sha256=" + "0" * 64,
        sign(b"body").upper(),
        sign(b"body") + " ",
        " " + sign(b"body"),
        sign(b"body") + "\n",
        sign(b"body")[:-1],
        sign(b"body") + "0",
        "sha256=" + "é" * 64,
        "sha256=" + "１" * 64,  # digits, but not ASCII
        sign(b"other body"),
        sign(b"body", "another-secret"),
    ],
)
def test_a_body_that_github_did_not_sign_is_rejected(header: str | None) -> None:
    assert not is_signed(b"body", header, KEYS)


def test_during_a_rotation_both_secrets_are_accepted() -> None:
    keys = check_secrets(["the-new-secret", "the-old-secret"])
    assert is_signed(b"body", sign(b"body", "the-old-secret"), keys)
    assert is_signed(b"body", sign(b"body", "the-new-secret"), keys)


@pytest.mark.parametrize("secrets", [[], [""], ["short"], [SECRET, ""]])
def test_a_missing_or_short_secret_is_a_configuration_error(secrets: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="GITHUB_WEBHOOK_SECRET"):
        check_secrets(secrets)


@given(body=st.binary(), header=st.text())
def test_a_made_up_header_is_neither_accepted_nor_an_error(body: bytes, header: str) -> None:
    assert not is_signed(body, header, KEYS)


@given(body=st.binary(), other=st.binary())
def test_a_signature_is_valid_only_for_its_own_body(body: bytes, other: bytes) -> None:
    assert is_signed(other, sign(body), KEYS) == (body == other)
