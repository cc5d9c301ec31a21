"""What Quorum says about the instructions that a repository's team asked it to remember."""

import json
from collections.abc import Sequence

from app.domain.remembered import MAX_REMEMBERED, MAX_REMEMBERED_CHARACTERS, Remembered
from app.publish.blocks import code_span, details, fence
from app.publish.markdown import clean_line
from app.publish.replies import render_reply
from app.publish.text import Redact

_LIMITS = (
    "Reviews and documentation of this repository take it into account from the next review on. It can ask for more care "
    "or for fewer minor findings. It changes neither the gate nor the redaction of secrets, and the security stage never "
    "sees it."
)


def render_kept(instruction: Remembered, *, key: str, redact: Redact) -> str:
    """`/remember`: the instruction was kept, and what it cannot do."""
    return render_reply(
        f"Remembered as {code_span(instruction.id)}: {clean_line(instruction.text, redact=redact)}",
        _LIMITS,
        f"Remove it with `/forget {instruction.id}`.",
        key=key,
        redact=redact,
    )


def render_known(instruction: Remembered, *, key: str, redact: Redact) -> str:
    """`/remember` with words that are remembered already."""
    return render_reply(
        f"Already remembered as {code_span(instruction.id)}: {clean_line(instruction.text, redact=redact)}",
        key=key,
        redact=redact,
    )


def render_full(instruction: Remembered, *, key: str, redact: Redact) -> str:
    """`/remember` in a repository that has as many instructions as it may have."""
    del instruction, redact
    return render_reply(
        f"Not remembered: this repository has {MAX_REMEMBERED} instructions, which is the limit. "
        "`/config` lists them, and `/forget ID` removes one.",
        key=key,
    )


def render_too_long(characters: int, *, key: str) -> str:
    """`/remember` with too many words."""
    return render_reply(
        f"Not remembered: an instruction has at most {MAX_REMEMBERED_CHARACTERS} characters, and this one has "
        f"{characters:,}.",
        key=key,
    )


def render_no_words(*, key: str) -> str:
    """`/remember` without a letter or a digit that a reader can see."""
    return render_reply("Not remembered: the instruction has no words.", key=key)


def render_forgotten(instruction: Remembered | None, *, key: str, redact: Redact) -> str:
    """`/forget`."""
    if instruction is None:
        return render_reply("No remembered instruction has this ID. `/config` lists them.", key=key)
    return render_reply(f"Forgotten: {clean_line(instruction.text, redact=redact)}", key=key, redact=redact)


def render_offer(text: str, *, redact: Redact) -> str:
    """One line that offers to remember what a person said; empty for an empty text."""
    if not text:
        return ""
    return f"To apply this to later reviews too, comment {code_span(f'/remember {redact(text)}')}."


def render_remembered(instructions: Sequence[Remembered], *, redact: Redact) -> str:
    """The list in `/config`, with who and when, and the same as part of `.github/quorum.yml`; empty for none."""
    if not instructions:
        return ""
    lines = [
        f"- {code_span(each.id)} {clean_line(each.text, redact=redact)} "
        f"({clean_line(each.author, redact=redact)}, {each.created_at:%Y-%m-%d})"
        for each in instructions
    ]
    listed = "\n".join(lines)
    return (
        f"Remembered for reviews and documentation (remove one with `/forget ID`):\n\n{listed}\n\n"
        f"{details('The same for .github/quorum.yml', _export(instructions, redact=redact))}"
    )


def _export(instructions: Sequence[Remembered], *, redact: Redact) -> str:
    rows = [
        f'  - path: "**"\n    instructions: {json.dumps(redact(each.text), ensure_ascii=False)}'
        for each in instructions
    ]
    code = fence("\n".join(["path_instructions:", *rows]), "yaml")
    return f"Instructions in the file reach the security stage too.\n\n{code}"
