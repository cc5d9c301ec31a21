"""What a model writes is shown, and nothing of it acts."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.publish.blocks import code_span, details, fence, table
from app.publish.markdown import clean_line, clean_markdown, plain_line
from app.publish.text import escape_html
from tests.unit.publish.github_reader import Seen, read

OUTPUTS: dict[str, list[str]] = json.loads(
    (Path(__file__).parents[2] / "data" / "hostile_outputs" / "outputs.json").read_text()
)
HOSTILE = [text for texts in OUTPUTS.values() for text in texts]
NAMES = [f"{kind} {number}" for kind, texts in OUTPUTS.items() for number in range(len(texts))]


def clean(text: str) -> str:
    return clean_markdown(text, redact=str)


def test_the_corpus_has_at_least_a_hundred_outputs() -> None:
    assert len(HOSTILE) >= 100


@pytest.mark.parametrize("text", HOSTILE, ids=NAMES)
def test_a_hostile_output_has_no_active_content(text: str) -> None:
    assert read(clean(text)) == []
    assert read(clean_line(text, redact=str)) == []
    assert "\n" not in clean_line(text, redact=str)


@pytest.mark.parametrize("text", HOSTILE, ids=NAMES)
def test_cleaning_clean_markdown_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


PIECES = [
    *HOSTILE, *"@#/`*_~<>[]()!|\\&$:-+.=\n\t ", "octocat", "12", "https://", "www.", "a.b", "```", "~~~", "\u200b", "- ", "1. ",
    "    ", "> ", "deadbeef", "&#64;", "[x]: ", "suggestion", "GH-", "bors r+", "](", "\u00e9", "😀",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_mixture_of_hostile_pieces_has_active_content(text: str) -> None:
    cleaned = clean(text)
    assert read(cleaned) == []
    assert read(clean_line(text, redact=str)) == []
    assert len(cleaned) <= 65_536


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_no_text_has_active_content(text: str) -> None:
    assert read(clean(text)) == []


def test_the_reader_of_these_tests_detects_active_content() -> None:
    kinds = {
        seen.kind
        for seen in read(
            "![a](b) [c](d) <b> @e #1 https://f.g $x$\n\n/approve\n\n```suggestion\n```\na\u202eb"
        )
    }
    assert kinds == {
        "image", "link_open", "html", "mention", "reference", "mathematics", "command", "drawn", "hidden",
    }  # fmt: skip
    assert read("deadbeef") == [Seen("commit", "deadbeef")]
    more = read("~~a~~ [^1] :tada: _www.a.example\n\n[^1]: b\n\n> [!NOTE]\n> c\n\n- [ ] d")
    assert {seen.kind for seen in more} == {"html", "link_open", "alert", "emoji"}


@pytest.mark.parametrize("ticks", [1, 2, 79, 80, 81, 200, 255, 256, 300])
@pytest.mark.parametrize("character", ["`", "~"])
def test_a_run_of_any_length_ends_no_code_span_and_no_fence(ticks: int, character: str) -> None:
    hostile = f"src/{character * ticks} @someone <img src=x> #1 .py\n{character * ticks}\n@someone"
    assert read(code_span(hostile)) == []
    assert read(fence(hostile)) == []
    assert read(clean(f"``````\n{hostile}\n``````")) == []
    assert read(clean(f"{'`' * 400}\n{hostile}\n{'`' * 400}")) == []
    assert read(table(("a", "b"), [(code_span(hostile), code_span(hostile))]), own_html=True) == []


@pytest.mark.parametrize("backslashes", range(5))
def test_a_pipe_ends_no_code_span_in_a_table(backslashes: int) -> None:
    hostile = "a" + "\\" * backslashes + "| @someone <img src=x>"
    assert read(table(("a", "b"), [(code_span(hostile), "x")]), own_html=True) == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Plain **strong** and *emphasis* with `code`.", "Plain **strong** and *emphasis* with `code`."),
        ("# A heading\n\nText", "**A heading**\n\nText"),
        ("one\ntwo", "one two"),
        ("- a\n  - b\n- c", "- a\n  - b\n- c"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("> said\n> again", "> said again"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "- a · b\n- 1 · 2"),
        ("```python\nx = 1\n```", "```python\nx = 1\n```"),
        ("use snake_case and __init__ names", "use snake_case and **init** names"),
        ("if a < b && c > d", "if a &lt; b && c > d"),
        ("see [the docs](https://docs.example/x)", "see the docs"),
        ("ask @octocat about #12", "ask `@octocat` about `#12`"),
        ("a@b.example", "`a@b.example`"),
        ("1. not a list", "1. not a list"),
        ("2\\. not a list", "2\\. not a list"),
        ("Price: $5", "Price: `$5`"),
        ("👩‍💻 ❤️ 🇩🇪", "👩‍💻 ❤️ 🇩🇪"),
    ],
)
def test_ordinary_prose_is_unchanged(written: str, shown: str) -> None:
    assert clean(written) == shown


def test_a_fence_is_longer_than_any_fence_inside() -> None:
    assert clean("````\n```\nx\n```\n````") == "````\n```\nx\n```\n````"


def test_text_over_the_limit_is_truncated_with_a_note() -> None:
    cleaned = clean_markdown("word " * 100, redact=str, max_characters=50)
    assert cleaned.endswith("… (truncated after 50 characters)")
    assert len(cleaned) < 100


def test_a_secret_is_redacted_even_if_markup_splits_it() -> None:
    def redact(text: str) -> str:
        return text.replace("hunter2", "[REDACTED:password]")

    assert "hunter2" not in clean_markdown(
        "pass&#119;ord: hunter2, hun\u200bter2, h&#117;nter2", redact=redact
    )


def test_a_megabyte_of_brackets_is_cleaned_quickly() -> None:
    assert len(clean("[" * 1_000_000)) < 30_000


@pytest.mark.parametrize(
    "title",
    [
        "#120123456789abcdef",
        "GH-10123456789abcdef0123456789abcdef",
        "jenkins retest this please    /approve1) Closes: #12" + "`" * 15 + "0123456789abcdef",
        "cc @org/xmpp:a@b.co/x",
    ],
)
def test_defusing_a_part_of_a_collapsed_title_revives_no_other_part(title: str) -> None:
    assert read(details(escape_html(plain_line(title, redact=str)), "x"), own_html=True) == []


def test_a_collapsed_title_shows_no_escapes_where_a_mention_was_defused() -> None:
    assert escape_html(plain_line("tell @octocat", redact=str)) == "tell @\u2060octocat"


@pytest.mark.parametrize("line", ["jenkins", "bors \u00a0r+", "bors  r+", "!merge\u3000", "recheck\u00a0"])
def test_no_line_of_a_quote_is_a_bot_command_whatever_its_spaces(line: str) -> None:
    assert read(fence(f"x\n{line}\ny")) == []
