"""What Quorum answers to commands, as people read it."""

import pytest
from inline_snapshot import snapshot

from app.domain.configuration import RepositoryConfig
from app.domain.publication import MarkerKind, parse_marker
from app.publish.replies import (
    COMMANDS,
    render_answer,
    render_config,
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
People with write access can use these commands on the first line of a comment:

| Command | Description |
| --- | --- |
| `/rereview [review\\|security\\|docs] [full]` | Review again, all stages or one. `full` reviews the whole change, not only new commits. |
| `/ask TEXT` | Ask a question about this change. |
| `/explain` | In a thread: explain the finding. |
| `/dismiss [TEXT]` | In a thread: dismiss the finding. Quorum remembers the reason. |
| `/undismiss ID` | Restore a dismissed finding. |
| `/fix [all\\|critical\\|high\\|medium]` | In a thread: fix the finding. With a word: fix all open findings, or those of this severity or higher. |
| `/resolve` | Resolve the threads of fixed findings. |
| `/remember TEXT` | Remember an instruction for all reviews of this repository. |
| `/forget ID` | Remove a remembered instruction. |
| `/pause` | Stop reviewing new pushes to this pull request. |
| `/resume` | Resume reviews of new pushes. |
| `/config [PATH]` | Show the configuration of this pull request, or of one file. |
| `/help` | Show this list. |

<!-- quorum:reply:c1 -->\
""")


def test_the_commands_are_the_documented_ones() -> None:
    assert [command.split()[0] for command, _ in COMMANDS] == [
        "/rereview", "/ask", "/explain", "/dismiss", "/undismiss", "/fix", "/resolve", "/remember",
        "/forget", "/pause", "/resume", "/config", "/help",
    ]  # fmt: skip


def test_replies_are_short_and_say_what_happens_next() -> None:
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
            "Could not answer: every model was busy",
            "Paused: Quorum does not review new pushes to this pull request. Use `/resume` to continue. `/rereview` still works.",
            "Resumed: Quorum reviews the next push. Use `/rereview` to review the current commit.",
            """\
Dismissed 2 findings:

- 🔴 Critical `pay.py:8` `id` goes into the SQL text (restore with `/undismiss a1a1a1a1a1a1`)
- 🔵 Low `pay.py:30` No test for a refused card (restore with `/undismiss c3c3c3c3c3c3`)\
""",
            "Nothing to dismiss: no open finding was found.",
            "Restored: `pay.py:8` `id` goes into the SQL text",
            "No dismissed finding has this ID.",
            "Resolved 2 threads.",
            "Hid 1 comment as resolved, because resolving threads requires the `contents: write` permission.",
            "The newest commit fixes no open findings.",
            "`/rerview` is not an available command. Use `/help` to list all commands.",
            "`/dismiss` only works in the thread of a finding.",
            "The command failed: the head moved.",
        ]
    )
    assert {parse_marker(answer) for answer in answers} == {(MarkerKind.REPLY, "c1")}


def test_the_effective_configuration_is_shown_with_its_error() -> None:
    body = render_config(
        RepositoryConfig(tone="```\n@octocat"), error="line 3: unknown key", key="c1", redact=str
    )
    assert body.startswith("`.github/quorum.yml` has an error: line 3: unknown key")
    assert '"quorum": 2' in body
    assert read(body, own_html=True) == []


@pytest.mark.parametrize("text", HOSTILE, ids=NAMES)
def test_replies_with_hostile_text_have_no_active_content(text: str) -> None:
    bodies = [
        render_answer(text, answered_by=f"gpt:{text}", key="c1", redact=str),
        render_failure(text, key="c1", redact=str),
        render_unknown_command(text, key="c1"),
    ]
    assert [read(body, own_html=True) for body in bodies] == [[], [], []]
