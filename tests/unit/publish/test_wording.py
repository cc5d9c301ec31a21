"""The sentences for rejections and for notes about how findings were settled."""

import pytest

from app.domain.finding import RejectedClaim, RejectionCode, SettlementCode, SettlementNote
from app.publish.notes import explain_note, explain_rejection
from app.publish.wording import joined
from tests.unit.publish.examples import INJECTION


@pytest.mark.parametrize(
    ("code", "by", "detail", "reason"),
    [
        (RejectionCode.OTHER_FILE, "", "", "About a file that this change does not touch."),
        (RejectionCode.EXCLUDED_FILE, "", "", "About a file that was not reviewed."),
        (
            RejectionCode.INVALID,
            "",
            "line: Field required",
            "The model did not state it in the required form: line: Field required.",
        ),
        (RejectionCode.QUOTE_NOT_FOUND, "", "", "The file does not contain the code that it quotes."),
        (RejectionCode.BELOW_MINIMUM, "", "high", "Below the configured minimum severity (high)."),
        (RejectionCode.REFUTED, "gpt:sol", "It is checked.", "Refuted by gpt:sol: It is checked."),
        (
            RejectionCode.UNCONFIRMED,
            "",
            "",
            "No other vendor confirmed it; the analyzer's own finding on this code remains.",
        ),
    ],
)
def test_every_rejection_has_a_sentence(code: RejectionCode, by: str, detail: str, reason: str) -> None:
    explained = explain_rejection(RejectedClaim(finding=INJECTION, code=code, by=by, detail=detail))
    assert (explained.finding, explained.reason) == (INJECTION, reason)


@pytest.mark.parametrize(
    ("code", "values", "sentence"),
    [
        (
            SettlementCode.ASKED_AGAIN,
            ("3", "2"),
            "Asked once more about claims that a verifier was unsure of without a look-up: 3. Decided then: 2.",
        ),
        (
            SettlementCode.QUORUM_LOWERED,
            ("3", "2", "2"),
            "The quorum was lowered from 3 to 2, because only 2 vendors are available.",
        ),
        (
            SettlementCode.CHECKED_BY_ITSELF,
            ("claude", "claude:opus"),
            "Only claude is available, so it checked its own findings in a fresh context (claude:opus).",
        ),
        (
            SettlementCode.CHECKED_BY_SIBLING,
            ("claude", "claude:opus"),
            "Only claude is available, so another of its models (claude:opus) checked its findings.",
        ),
        (
            SettlementCode.UNVERIFIED,
            ("1",),
            "1 finding could not be checked by another vendor's model; it is listed as unconfirmed in the summary only.",
        ),
        (
            SettlementCode.QUORUM_MISSED,
            ("3",),
            "3 findings did not reach the quorum; they are listed as unconfirmed in the summary only.",
        ),
        (
            SettlementCode.UNFIT_SUGGESTIONS,
            ("1",),
            "1 suggestion is only shown as text, because the file would not be valid code with it.",
        ),
        (
            SettlementCode.UNSHARED_PATTERNS,
            ("2",),
            "2 pattern findings that no model reported are listed only in the summary. They still count for the gate.",
        ),
    ],
)
def test_every_note_has_a_sentence(code: SettlementCode, values: tuple[str, ...], sentence: str) -> None:
    assert explain_note(SettlementNote(code=code, values=values)) == sentence


def test_lists_have_a_serial_comma() -> None:
    assert [joined(list(words)) for words in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b, and c"]
