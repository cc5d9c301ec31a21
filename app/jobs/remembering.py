"""`/remember` and `/forget`: what a repository's team asks of every review, in plain words.

An offer to remember something is one line of another answer; only a command remembers.
"""

import asyncio
import hashlib
import re

from app.domain.job import Command
from app.domain.remembered import MAX_REMEMBERED_CHARACTERS, Remembered
from app.domain.step import Checkpoint
from app.jobs.comment import IncomingComment
from app.publish import remembered as replies
from app.publish.text import strip_invisible
from app.store.remembered import RememberOutcome, load_remembered
from app.store.remembered import forget as forget_stored
from app.store.remembered import remember as remember_stored

ID_CHARACTERS = 12
_MENTION = re.compile(r"\s*@[\w-]{1,39}(?:\[bot\])?[\s,:;.!-]*")
_RULE = re.compile(
    r"\b(?:always|never|everywhere|by convention|our (?:convention|policy|standard|style|rule|guideline)s?"
    r"|in (?:this|our) (?:repo|repository|project|code ?base|team|company)"
    r"|we (?:do not|don['’]t|never|always|only|use|prefer|allow|keep|treat|want|accept|rely|assume|decided)"
    r"|(?:do not|don['’]t|please don['’]t|stop|no need to) (?:flag|report|comment|complain|mention|warn|suggest)\w*)\b",
    re.IGNORECASE,
)


async def remember(comment: IncomingComment, command: Command) -> None:
    """`/remember TEXT`: keep an instruction for the reviews of this repository."""
    text = one_line(comment.redact(strip_invisible(command.text)))
    if not any(map(str.isalnum, text)):
        await comment.answer(replies.render_no_words(key=comment.key))
        return
    if len(text) > MAX_REMEMBERED_CHARACTERS:
        await comment.answer(replies.render_too_long(len(text), key=comment.key))
        return
    instruction = Remembered(
        id=hashlib.sha256(comment.job.key.encode()).hexdigest()[:ID_CHARACTERS],
        text=text,
        author=comment.job.author,
        created_at=comment.now(),
    )

    async def record() -> tuple[RememberOutcome, Remembered]:
        return await asyncio.to_thread(
            remember_stored,
            comment.environment.database,
            instruction,
            installation_id=comment.job.installation_id,
            repository=comment.ref.repository,
        )

    outcome, kept = await comment.step(Checkpoint("remember", tuple[RememberOutcome, Remembered]), record)
    body = {
        RememberOutcome.KEPT: replies.render_kept,
        RememberOutcome.KNOWN: replies.render_known,
        RememberOutcome.FULL: replies.render_full,
    }[outcome](kept, key=comment.key, redact=comment.redact)
    await comment.answer(body)


async def forget(comment: IncomingComment, command: Command) -> None:
    """`/forget ID`: remove an instruction."""
    id_ = command.words[0].strip("`")

    async def record() -> tuple[Remembered, ...]:
        forgotten = await asyncio.to_thread(
            forget_stored,
            comment.environment.database,
            comment.job.installation_id,
            comment.ref.repository,
            id_,
            by=comment.job.author,
            at=comment.now(),
        )
        return (forgotten,) if forgotten else ()

    forgotten = await comment.step(Checkpoint("forget", tuple[Remembered, ...]), record)
    await comment.answer(
        replies.render_forgotten(next(iter(forgotten), None), key=comment.key, redact=comment.redact)
    )


async def load_instructions(comment: IncomingComment) -> list[Remembered]:
    """Return what the repository's team asked to remember."""
    return await asyncio.to_thread(
        load_remembered,
        comment.environment.database,
        comment.job.installation_id,
        comment.ref.repository,
    )


def worth_remembering(text: str) -> str:
    """Return what a person said if it reads like a rule for the whole repository and is short enough, or an empty text."""
    mention = _MENTION.match(text)
    said = one_line(text[mention.end() :] if mention else text)
    is_rule = len(said) <= MAX_REMEMBERED_CHARACTERS and _RULE.search(said) and "?" not in said
    return said if is_rule else ""


def one_line(text: str) -> str:
    """Return the text with every run of white space as one space."""
    return " ".join(text.split())
