"""What a conversation asks and remembers. The scenarios show who answers."""

import pytest

from app.conversation.history import MAX_TURNS, Turn, render_history
from app.conversation.product import documentation, figures
from app.conversation.schemas import Intent, ModelReply, parse_intent, parse_reply
from app.errors import ModelInvalidOutput
from app.gather import configuration_schema
from app.publish.replies import COMMANDS


def test_an_intent_is_one_of_four() -> None:
    assert parse_intent({"intent": "complaint"}) is Intent.COMPLAINT
    with pytest.raises(ModelInvalidOutput):
        parse_intent({"intent": "approve"})
    with pytest.raises(ModelInvalidOutput):
        parse_intent(["complaint"])


def test_an_empty_answer_is_rejected() -> None:
    assert parse_reply({"answer": "Yes."}) == ModelReply(answer="Yes.")
    with pytest.raises(ModelInvalidOutput):
        parse_reply({"answer": "  "})
    with pytest.raises(ModelInvalidOutput):
        parse_reply({"answer": "Yes.", "withdraws": "true"})


def test_the_oldest_turns_become_a_count() -> None:
    turns = [Turn(author="alice", text=f"said {number};") for number in range(MAX_TURNS + 3)]
    shown = render_history(turns, b"secret")
    assert "3 earlier turns are left out" in shown
    assert "said 2;" not in shown
    assert "said 3;" in shown
    assert render_history([], b"secret") == ""


def test_the_documentation_names_every_key_and_every_command() -> None:
    said = documentation()
    assert all(key in said for key in configuration_schema()["properties"])
    assert all(command in said for command, _ in COMMANDS)
    assert "No model was called" in figures([])
