"""What Quorum answers to commands, as people read it."""

import pytest
from inline_snapshot import snapshot

from app.domain.configuration import RepositoryConfig
from app.domain.publication import MarkerKind, parse_marker
from app.publish.replies import (
    COMMANDS,
    render_answer,
    render_config,
    render_config_error,
    render_dismissed,
    render_failure,
    render_help,
    render_no_answer,
    render_not_in_a_thread,
    render_paused,
    render_resolved,
    render_resumed,
    render_undismissed,
    render_unknown_command,
)
from tests.unit.publish.examples import INJECTION, UNTESTED
from tests.unit.publish.github_reader import read
from tests.unit.publish.test_markdown import HOSTILE, NAMES


def test_help_names_every_command() -> None:
    assert render_help(key="c1") == snapshot("""\
Commands, as the first line of a comment, from people with write access:

| Command | Does |
| --- | --- |
| `/rereview [review\\|security\\|docs] [full]` | review again: all stages or one; `full` reads the whole change anew |
| `/ask TEXT` | answer a question about this change |
| `/explain` | in a thread: explain the finding |
| `/dismiss [TEXT]` | in a thread: the finding is no problem here; the reason is remembered |
| `/undismiss ID` | bring a dismissed finding back |
| `/resolve` | resolve the threads whose problem is fixed |
| `/pause` | no reviews of new pushes on this pull request |
| `/resume` | review pushes again |
| `/config` | show the configuration in force |
| `/help` | this list |

<!-- quorum:reply:c1 -->\
""")


def test_the_commands_are_the_documented_ones() -> None:
    assert [command.split()[0] for command, _ in COMMANDS] == [
        "/rereview", "/ask", "/explain", "/dismiss", "/undismiss", "/resolve", "/pause", "/resume", "/config", "/help",
    ]  # fmt: skip


def test_answers_are_short_and_say_what_happens_next() -> None:
    answers = [
        render_answer("It retries **twice**.", answered_by="claude:claude-sonnet-5-5", key="c1", redact=str),
        render_no_answer("every model was busy", key="c1", redact=str),
        render_paused(key="c1"),
        render_resumed(key="c1"),
        render_dismissed([INJECTION, UNTESTED], key="c1", redact=str),
        render_dismissed([], key="c1", redact=str),
        render_undismissed(INJECTION, key="c1", redact=str),
        render_undismissed(None, key="c1", redact=str),
        render_resolved(2, 0, key="c1"),
        render_resolved(0, 1, key="c1"),
        render_resolved(0, 0, key="c1"),
        render_config_error("`gate` is not one of off, critical, high, medium.", key="c1", redact=str),
        render_unknown_command("/rerview", key="c1"),
        render_not_in_a_thread("/dismiss", key="c1"),
        render_failure("the head moved.", key="c1", redact=str),
    ]
    assert [answer.removesuffix("\n\n<!-- quorum:reply:c1 -->") for answer in answers] == snapshot(
        [
            """\
It retries **twice**.

<sub>Claude (`claude-sonnet-5-5`)</sub>\
""",
            "No answer: every model was busy",
            "Paused: pushes to this pull request are not reviewed. `/resume` ends it; `/rereview` still works.",
            "Resumed: the next push is reviewed. `/rereview` reviews what is here now.",
            """\
Dismissed 2 findings:

- 🔴 Critical `pay.py:8` `id` goes into the SQL text (`/undismiss a1a1a1a1a1a1` brings it back)
- 🔵 Low `pay.py:30` No test for a refused card (`/undismiss c3c3c3c3c3c3` brings it back)\
""",
            "Nothing to dismiss here: this is no open finding of Quorum.",
            "Open again: `pay.py:8` `id` goes into the SQL text",
            "There is no dismissed finding with this id.",
            "Resolved 2 threads.",
            "Marked 1 comment as outdated: resolving threads needs the App's `contents: write`.",
            "No open thread of Quorum is fixed by the newest commit.",
            "`.github/quorum.yml` is not used as it stands: `gate` is not one of off, critical, high, medium. The defaults hold for what could not be read.",
            "`/rerview` is no command here. `/help` lists them.",
            "`/dismiss` belongs in the thread of the finding it is about.",
            "That did not work: the head moved.",
        ]
    )
    assert {parse_marker(answer) for answer in answers} == {(MarkerKind.REPLY, "c1")}


def test_the_configuration_in_force_is_shown_with_its_mistake() -> None:
    body = render_config(
        RepositoryConfig(tone="```\n@octocat"), error="line 3: unknown key", key="c1", redact=str
    )
    assert body.startswith("`.github/quorum.yml` has a mistake: line 3: unknown key")
    assert '"quorum": 2' in body
    assert read(body, own_html=True) == []


@pytest.mark.parametrize("text", HOSTILE, ids=NAMES)
def test_answers_made_of_hostile_texts_come_out_dead(text: str) -> None:
    bodies = [
        render_answer(text, answered_by=f"gpt:{text}", key="c1", redact=str),
        render_failure(text, key="c1", redact=str),
        render_unknown_command(text, key="c1"),
        render_config_error(text, key="c1", redact=str),
    ]
    assert [read(body, own_html=True) for body in bodies] == [[], [], [], []]
