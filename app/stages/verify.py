"""Puts bare claims before another vendor's model and gets verdicts back: one call a chunk with claims.

The verifier sees the code and, of each claim, place, quote and title: not who makes it, not why, not how grave it
is said to be. What the author says of the change it sees too, because a claim may be that the code does something
else; where all claims are of the security stage it does not, as that stage did not. Which claims go to whom and what a
verdict means is decided elsewhere.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from app.domain.configuration import RepositoryConfig
from app.domain.finding import Finding, Stage, VerifierVerdict
from app.domain.model_call import Provider
from app.domain.review import Chunk, ReviewContext
from app.errors import QuorumError
from app.llm.client import CallScope
from app.prompting.answers import parse_verdicts
from app.prompting.prompts import Prompts, fence
from app.stages.asking import CallIdsByStage, ModelLayer, Question, StageContext, ask, parent_of
from app.stages.material import render_material, shows
from app.stages.sections import render_description, without_secrets

log = logging.getLogger(__name__)

VERIFY = "verify"


async def ask_verdicts(
    candidates: Sequence[Finding],
    excluded: Sequence[Provider],
    *,
    context: ReviewContext,
    config: RepositoryConfig,
    models: ModelLayer,
    prompts: Prompts,
    scope: CallScope,
    tier: str,
    redact: Callable[[str], str],
    secret: bytes,
    parents: CallIdsByStage | None = None,
    deadline_s: float = 600.0,
) -> list[VerifierVerdict]:
    """A verdict for each candidate whose chunk a verifier could be found for; `VerifierVerdict.id` is the fingerprint.

    A chunk whose call fails gives no verdict for its candidates: to their owner they are unverified.

    Args:
        excluded: vendors that must not answer: the finders.
        parents: the calls that found; written on the verification's own row.
    """
    desk = StageContext(
        models=models,
        prompts=prompts,
        scope=replace(scope, stage=VERIFY),
        redact=redact,
        secret=secret,
        tier=tier,
        routing=config.routing,
        allowed=config.providers,
        deadline_s=deadline_s,
        prefix_reused=True,  # a stage has sent this material to the same vendor: without a breakpoint its cache is not read
    )
    batches = _by_chunk(candidates, context.chunks)
    asked = [
        _ask_batch(
            batch,
            context.chunks[place],
            context,
            desk,
            tuple(excluded),
            parent_of(batch, place, parents or {}),
        )
        for place, batch in batches
    ]
    outcomes = await asyncio.gather(*asked)
    return [verdict for verdicts in outcomes for verdict in verdicts]


async def _ask_batch(
    batch: Sequence[Finding],
    chunk: Chunk,
    context: ReviewContext,
    desk: StageContext,
    excluded: tuple[Provider, ...],
    parent_id: str | None,
) -> list[VerifierVerdict]:
    claims = {f"c{number}": finding for number, finding in enumerate(batch, 1)}
    question = Question(
        kind=VERIFY,
        prompt_id="verify/question",
        inputs={
            "description": _description(batch, context, desk),
            "claims": fence("claims", _json_lines(claims), desk.secret),
        },
        parse=lambda value: parse_verdicts(value, ids=list(claims)),
    )
    material = render_material(chunk, guidelines=context.guidelines, secret=desk.secret, redact=desk.redact)
    try:
        answer = await ask(desk, question, material=material, exclude=excluded, parent_id=parent_id)
    except QuorumError as error:
        log.warning("not verified", extra={"review_id": desk.scope.review_id, "error": str(error)})
        return []
    by = f"{answer.response.provider}:{answer.response.model}"
    return [
        VerifierVerdict(
            id=claims[parsed.id].fingerprint,
            judgement=parsed.judgement,
            evidence=parsed.evidence,
            worth=parsed.worth,
            by=by,
        )
        for parsed in answer.value
    ]


def _description(batch: Sequence[Finding], context: ReviewContext, desk: StageContext) -> str:
    """Empty for claims of the security stage alone: a harmless description frames its reader."""
    if all(finding.stage is Stage.SECURITY for finding in batch):
        return ""
    return render_description(without_secrets(context, desk.redact).pull_request, desk.secret)


def _by_chunk(candidates: Sequence[Finding], chunks: Sequence[Chunk]) -> list[tuple[int, list[Finding]]]:
    """The candidates of each chunk, by its place, that shows theirs; one whose file no chunk shows goes to the first."""
    batches: dict[int, list[Finding]] = {}
    for finding in candidates:
        batches.setdefault(_chunk_of(finding, chunks), []).append(finding)
    return sorted(batches.items()) if chunks else []


def _chunk_of(finding: Finding, chunks: Sequence[Chunk]) -> int:
    showing = [
        (not shows(chunk, finding), index)
        for index, chunk in enumerate(chunks)
        if any(file.path == finding.path for file in chunk.files)
    ]
    return min(showing)[1] if showing else 0


def _json_lines(claims: Mapping[str, Finding]) -> str:
    return "\n".join(
        json.dumps(
            {
                "id": id_,
                "path": finding.path,
                "lines": f"{finding.start_line}-{finding.end_line}",
                "quote": finding.quote,
                "claim": finding.title,
            },
            ensure_ascii=False,
        )
        for id_, finding in claims.items()
    )
