import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.job import Command
from webhooks.commands import USAGE, is_mentioned, parse_command


@pytest.mark.parametrize(
    ("body", "name", "words"),
    [
        ("/rereview", "rereview", ()),
        ("/rereview  ", "rereview", ()),
        ("/rereview\r\nthanks", "rereview", ()),
        ("/rereview security", "rereview", ("security",)),
        ("/rereview\tdocs full", "rereview", ("docs", "full")),
        ("/rereview full", "rereview", ("full",)),
        ("/undismiss 3f2a", "undismiss", ("3f2a",)),
        ("/pause", "pause", ()),
        ("/resume", "resume", ()),
        ("/config", "config", ()),
        ("/help", "help", ()),
        ("/explain", "explain", ()),
        ("/resolve", "resolve", ()),
        ("/dismiss", "dismiss", ()),
    ],
)
def test_a_command_on_the_first_line_is_parsed(body: str, name: str, words: tuple[str, ...]) -> None:
    command = parse_command(body)
    assert command is not None
    assert (command.name, command.words, command.problem) == (name, words, None)


def test_a_question_may_continue_below_the_first_line() -> None:
    command = parse_command("/ask Why is this slow?\n\n```py\nfor x in y:\n```\n")
    assert command is not None
    assert command.text == "Why is this slow?\n\n```py\nfor x in y:\n```"


def test_the_reason_of_a_dismissal_is_part_of_the_command() -> None:
    assert parse_command("/dismiss we accept this risk") == Command(
        name="dismiss", text="we accept this risk"
    )


@pytest.mark.parametrize(
    "body",
    [
        "",
        "please /rereview",
        " /rereview",
        "\t/rereview",
        "\n/rereview",
        "> /rereview",
        "`/rereview`",
        "```\n/rereview\n```",
        "    /rereview",
        "<!-- /rereview -->",
        "<!--\n/rereview\n-->",
        "- /rereview",
        "# /rereview",
        "**/rereview**",
        "/rereview; rm -rf /",
        "//rereview",
        "/rereview/all",
        "\u200b/rereview",
        "／rereview",  # full width; there is no case or width folding
        "/ｒereview",
        "/rérèview",
        "/usr/bin/python crashes",
        "/lgtm",
        "/retest",
        "/assign @mona",
        "/" + "a" * 5_000,
        "http://example.com/rereview",
    ],
)
def test_text_that_is_not_a_command_of_quorum_is_ignored(body: str) -> None:
    assert parse_command(body) is None


@pytest.mark.parametrize(
    ("body", "suggestion"),
    [
        ("/rerevew", "rereview"),
        ("/re-review", "rereview"),
        ("/Rereview", "rereview"),
        ("/RESOLVE", "resolve"),
        ("/explian", "explain"),
        ("/dissmiss x", "dismiss"),
    ],
)
def test_a_typo_gets_the_closest_command_as_a_suggestion(body: str, suggestion: str) -> None:
    command = parse_command(body)
    assert command is not None
    assert command.suggestion == suggestion


@pytest.mark.parametrize(
    "body",
    [
        "/rereview everything",
        "/rereview full security",
        "/rereview review docs",
        "/ask",
        "/ask  \n ",
        "/undismiss",
        "/undismiss a b",
        "/pause now",
        "/help me",
    ],
)
def test_wrong_arguments_get_the_usage(body: str) -> None:
    command = parse_command(body)
    assert command is not None
    assert command.problem is not None
    assert USAGE[command.name] in command.problem


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    parse_command(text)
    parse_command("/" + text)
    is_mentioned(text, slug="quorum")


@given(st.text(), st.sampled_from(sorted(USAGE)))
def test_a_command_after_other_text_is_ignored(before: str, name: str) -> None:
    command = parse_command(f"{before} /{name}")
    assert command is None or before.startswith("/")


@pytest.mark.parametrize(
    "body",
    [
        "@quorum why?",
        "Hello @Quorum, why?",
        "thanks (@quorum).",
        "> quoted\n\n@quorum is that so?",
        "@quorum[bot] please look",
        "see `x` and ask @quorum",
    ],
)
def test_a_mention_is_found(body: str) -> None:
    assert is_mentioned(body, slug="quorum")


@pytest.mark.parametrize(
    "body",
    [
        "no mention",
        "> @quorum said so",
        "`@quorum`",
        "``a ` @quorum``",
        "```\n@quorum\n```",
        "~~~\n@quorum\n",
        "    @quorum",
        "<!-- @quorum -->",
        "<!-- @quorum",
        "@quorum-team please",
        "@quorumx",
        "mail me@quorum.example",
        "@quorum.example",
        "org/@quorum",
    ],
)
def test_mentions_in_quotes_or_code_and_of_other_accounts_are_ignored(body: str) -> None:
    assert not is_mentioned(body, slug="quorum")


def test_a_comment_with_many_unclosed_code_spans_has_no_mention() -> None:
    for bait in ("`" * 60_000, "<!--" * 15_000, "```\n" * 15_000, "> " * 30_000, "@quorum-" * 7_000):
        assert not is_mentioned(bait, slug="quorum")
