"""A body fits, says what it left out, and ends with its marker."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.publication import MarkerKind, marker, parse_marker
from app.publish.blocks import BodyBlock, compose

HIDDEN = marker(MarkerKind.SUMMARY, "octo/shop#7@5c0ffee")


@given(st.lists(st.builds(BodyBlock, st.text(max_size=50), st.text(max_size=400)), max_size=60))
def test_a_body_never_exceeds_its_limit_and_keeps_its_marker(blocks: list[BodyBlock]) -> None:
    body = compose(blocks, redact=str, elsewhere="See the check run.", marker=HIDDEN, limit_bytes=4_000)
    assert len(body.encode("utf-8", "surrogatepass")) <= 4_000
    assert parse_marker(body) == (MarkerKind.SUMMARY, "octo/shop#7@5c0ffee")


def test_blocks_that_do_not_fit_are_named_and_the_others_are_kept() -> None:
    blocks = [
        BodyBlock("the start", "start"),
        BodyBlock("the story", "x" * 5_000),
        BodyBlock("the end", "end"),
    ]
    assert compose(blocks, redact=str, elsewhere="See the check run.", marker=HIDDEN, limit_bytes=4_000) == (
        f"start\n\nend\n\n_Omitted because of GitHub's size limit: the story. See the check run._\n\n{HIDDEN}"
    )


def test_a_secret_that_only_appears_in_the_finished_text_is_redacted() -> None:
    body = compose(
        [BodyBlock("a", "key=hunter2")],
        redact=lambda text: text.replace("hunter2", "[REDACTED:x]"),
        elsewhere="",
        marker=HIDDEN,
    )
    assert body.startswith("key=[REDACTED:x]")


@pytest.mark.parametrize(
    "body",
    [
        "<!-- quorum:summary:x -->\n\nmore text",
        "`<!-- quorum:summary:x -->`",
        "<!-- quorum:unknown:x -->",
        "<!-- quorum:summary: -->",
        "<!-- other:summary:x -->",
        "",
    ],
)
def test_only_the_last_line_is_a_marker(body: str) -> None:
    assert parse_marker(body) is None


@pytest.mark.parametrize("key", ["", "a b", "-->", "a\n", "x" * 301])
def test_a_key_that_could_end_the_comment_is_rejected(key: str) -> None:
    with pytest.raises(ValueError, match="not a valid marker key"):
        marker(MarkerKind.REPLY, key)
