"""What a reader cannot see is stripped from prose and shown in names; names and code cannot leave their spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.publish.blocks import code_span, fence, safe_language, suggestion_fence, table
from app.publish.text import has_invisible, show_invisible, strip_invisible

HIDDEN = ["\u202e", "\u2066", "\u200b", "\u00ad", "\ufeff", "\U000e0041", "\U000e0100", "\ufe0f", "\u3164", "\uffa0",
          "\u115f", "\u180e", "\u2063", "\u0000", "\u001b", "\ud800", "\udfff", "\u061c", "\ufff9"]  # fmt: skip
GITHUB = MarkdownIt("commonmark").enable("table")


@pytest.mark.parametrize("character", HIDDEN, ids=[f"U+{ord(c):04X}" for c in HIDDEN])
def test_a_hidden_character_is_stripped_from_prose_and_shown_in_names(character: str) -> None:
    assert strip_invisible(f"a{character}b") == "ab"
    assert has_invisible(f"a{character}b")
    shown = show_invisible(f"a{character}b")
    assert shown.isprintable()
    assert f"{ord(character):x}" in shown


@pytest.mark.parametrize("emoji", ["👩‍💻", "❤️", "🇩🇪", "👍🏽", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"])
def test_an_emoji_keeps_its_joiners(emoji: str) -> None:
    assert strip_invisible(f"a {emoji} b") == f"a {emoji} b"


def test_every_kind_of_line_break_is_normalized() -> None:
    assert strip_invisible("a\r\nb\rc\u2028d\u0085e") == "a\nb\nc\nd\ne"


def test_a_name_with_a_line_break_and_a_backslash_is_unambiguous() -> None:
    assert show_invisible("a\\n\nb") == "a\\\\n\\nb"
    assert show_invisible("a\\b") == "a\\b"


@given(st.text(st.characters(exclude_characters="\n"), min_size=1).filter(str.strip))
def test_a_code_span_contains_exactly_the_given_text(text: str) -> None:
    (inline,) = [token for token in GITHUB.parse(f"a {code_span(text)} b") if token.type == "inline"]
    spans = [child for child in inline.children or [] if child.type == "code_inline"]
    assert [child.type for child in inline.children or []] == ["text", "code_inline", "text"]
    assert spans[0].content == show_invisible(text)


@given(st.text())
def test_a_fence_contains_any_code(code: str) -> None:
    (block,) = GITHUB.parse(fence(code, "python"))
    assert block.type == "fence"
    assert block.info == "python"


@given(st.text(st.characters(exclude_characters="\r\x00", exclude_categories=["Cs"])))
def test_a_suggestion_keeps_every_byte(code: str) -> None:
    (block,) = GITHUB.parse(suggestion_fence(code))
    assert block.info == "suggestion"
    assert block.content == (code.removesuffix("\n") + "\n" if code.removesuffix("\n") else "")


@given(st.text(max_size=30).filter(str.strip))
def test_a_table_cell_contains_any_name(name: str) -> None:
    tokens = GITHUB.parse(table(("A", "B"), [(code_span(name), "x")]))
    assert [token.type for token in tokens].count("td_open") == 2
    assert [token.type for token in tokens].count("tr_open") == 2


@pytest.mark.parametrize(
    "info", ["suggestion", "Suggestion", "suggestion:-0+1", "mermaid", "math", "geojson", "a`b", "x" * 30]
)
def test_a_language_that_github_acts_on_is_dropped(info: str) -> None:
    assert safe_language(info) == ""
