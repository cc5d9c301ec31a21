"""Text by strangers stays data on its way to the models, and is posted inert."""

import pytest

from app.prompting.prompts import fence
from app.publish.markdown import clean_line, clean_markdown
from tests.security.injections import ENCODINGS, INJECTIONS, LANGUAGES
from tests.unit.publish.github_reader import read
from webhooks.commands import parse_command

KNOWN = frozenset(
    {"rereview", "ask", "explain", "dismiss", "undismiss", "resolve", "pause", "resume", "config", "help"}
)
HARMLESS = frozenset(
    {"/rereview full", "/dismiss all"}
)  # valid commands; Quorum asks GitHub who may use them


def test_the_corpus_covers_many_languages_and_encodings() -> None:
    assert len(set(INJECTIONS)) >= 150
    assert len(LANGUAGES) >= 10
    assert len(ENCODINGS) >= 10


@pytest.mark.parametrize("text", INJECTIONS)
def test_an_injection_that_a_model_repeats_is_posted_inert(text: str) -> None:
    assert read(clean_markdown(text, redact=str)) == []
    assert read(clean_line(text, redact=str)) == []


@pytest.mark.parametrize("text", [text for text in INJECTIONS if text not in HARMLESS])
def test_an_injection_is_not_a_command(text: str) -> None:
    command = parse_command(text)
    assert command is None or command.problem or command.suggestion or command.name not in KNOWN


@pytest.mark.parametrize("text", INJECTIONS)
def test_an_injection_stays_inside_its_fence_and_hides_nothing(text: str) -> None:
    opening, *inside, closing = fence("diff", text, b"a secret of the installation").split("\n")
    assert not any(opening in line or closing in line for line in inside)
    shown = "\n".join(inside)
    assert not any(0xE0000 <= ord(character) <= 0xE01EF or character in "\u200b\u202e" for character in shown)
