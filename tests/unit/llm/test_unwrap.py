"""The JSON of an answer is found among thoughts, prose, fences and remarks, and nothing else is taken for it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.llm.unwrap import parse_wrapped

WANTED = ("findings", "summary")
ANSWER = {"findings": [{"line": "4", "quote": "a </think> b", "suggestion": "```python\nx = {1: 2}\n```"}]}
TEXT = json.dumps(ANSWER)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"\n\ufeff{TEXT}\n",
        f"<think>hm</think>{TEXT}",
        f'<think>Perhaps {{"findings": []}}?\nNo.</think>\n{TEXT}',
        f"The template opened the tag.\n</think>\n\n{TEXT}",
        f"<think>one</think><think>two</think>{TEXT}",
        f"<THINKING>hm</THINKING>{TEXT}",
        f"<think>cut off inside {TEXT}",
        f"```json\n{TEXT}\n```",
        f"```\n{TEXT}\n```\nI hope this helps!",
        f"Here is the review:\n\n```json\n{TEXT}\n```",
        f"<think>hm</think>\nSure!\n```JSON\n{TEXT}\n```\nLet me know { {'a': 1} }",
        f'An example is {{"path": "a.py"}}. The answer:\n{TEXT}',
        f"{TEXT}\n{TEXT}",
        f"{TEXT}<|im_end|>",
        f"Set {{x}} and {{{{y}}}} first. {TEXT}",
        f"~~~json\n{json.dumps(ANSWER, indent=2)}\n~~~",
    ],
)
def test_an_answer_is_found_in_every_shape_that_local_models_send(text: str) -> None:
    assert parse_wrapped(text, wanted=WANTED) == ANSWER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No problems.",
        "{findings: []}",
        '{"other": 1} and more',
        '{"findings": [',
        "{" * 50_000,
        '{"a":' * 50_000,
    ],
)
def test_text_without_an_answer_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        parse_wrapped(text, wanted=WANTED)


def test_a_value_of_another_kind_is_returned_for_the_schema_to_reject() -> None:
    assert parse_wrapped("[1, 2]", wanted=WANTED) == [1, 2]


PROSE = st.text(st.characters(exclude_characters="{}<>"), max_size=80)


@given(before=PROSE, thoughts=PROSE, after=PROSE)
def test_prose_around_an_answer_never_hides_it(before: str, thoughts: str, after: str) -> None:
    for text in (f"{before}{TEXT}{after}", f"<think>{thoughts}</think>{before}{TEXT}{after}"):
        assert parse_wrapped(text, wanted=WANTED) == ANSWER


@given(st.text(max_size=400))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse_wrapped(text, wanted=WANTED)
    except ValueError:
        return
