"""Asks another vendor's model to verify claims, and returns its verdicts: one call for each chunk with claims.

For each claim, the verifier sees the code, the location, the quote and the title, but not the finder, its reasons or the
severity. It also sees the pull request's description, because a claim can be that the code does something else, unless
all claims come from the security stage, which did not see it either. Other code decides which claims go to which vendor,
and what a verdict means.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.finding import Finding, Judgement, Stage, VerifierVerdict
from app.domain.lookup import LookedUp
from app.domain.model_call import Provider
from app.domain.review import Chunk, ReviewContext
from app.errors import ModelInvalidOutput, QuorumError
from app.prompting.parsing import ParsedVerdict, parse_verdicts, wants_lookups
from app.prompting.prompts import fence
from app.stages.asking import CallIdsByStage, Question, StageContext, parent_of
from app.stages.further import finder_order
from app.stages.intent import render_issues
from app.stages.looking import render_offer
from app.stages.material import in_order_of, is_shown_in, render_material
from app.stages.sections import render_description, without_secrets
from app.stages.unsure import AskedAgain, ask_to_decide

log = logging.getLogger(__name__)

VERIFY = "verify"
ONLY_ASKED = "The verifier asked for more code than it may look up, and did not decide."


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """The verdicts on claims, what the verifiers looked at before, and how often they had to be asked again."""

    verdicts: tuple[VerifierVerdict, ...] = ()
    looked_up: tuple[LookedUp, ...] = ()
    asked_again: AskedAgain = field(default_factory=AskedAgain)


async def ask_verdicts(
    candidates: Sequence[Finding],
    excluded: Sequence[Provider],
    *,
    near: Mapping[str, Sequence[str]],
    change: ReviewContext,
    context: StageContext,
    parents: CallIdsByStage | None = None,
) -> Verdicts:
    """Return a verdict for each candidate that a verifier answered; its `id` is the candidate's fingerprint.

    If the call for a chunk fails, its candidates get no verdict and stay unverified.

    Args:
        candidates: the claims.
        excluded: the finders, which must not verify their own claims.
        near: for each fingerprint, those of other vendors' claims that may be the same defect.
        change: the code shown to the models.
        context: what all questions of the review share.
        parents: the calls that made the claims; stored with the verification's own call.
    """
    batches = _by_chunk(candidates, change.chunks)
    answers = await asyncio.gather(
        *(
            _ask_batch(
                batch,
                change.chunks[place],
                change,
                context,
                near=near,
                excluded=tuple(excluded),
                parent_id=parent_of(batch, place, parents or {}),
            )
            for place, batch in batches
        )
    )
    return Verdicts(
        verdicts=tuple(verdict for answer in answers for verdict in answer.verdicts),
        looked_up=tuple(each for answer in answers for each in answer.looked_up),
        asked_again=sum((answer.asked_again for answer in answers), AskedAgain()),
    )


async def _ask_batch(
    batch: Sequence[Finding],
    chunk: Chunk,
    change: ReviewContext,
    context: StageContext,
    *,
    near: Mapping[str, Sequence[str]],
    excluded: tuple[Provider, ...],
    parent_id: str | None,
) -> Verdicts:
    claims = {f"c{number}": finding for number, finding in enumerate(batch, 1)}
    question = Question(
        kind=VERIFY,
        prompt_id="verify/question",
        inputs={
            "lookups": render_offer(context.verifier_rounds),
            "description": _description(batch, change, context),
            "claims": fence("claims", _json_lines(claims, near), context.secret),
        },
        parse=lambda value: _parse(value, list(claims)),
        prefix_reused=True,  # a stage sent this material to the same vendor: only a breakpoint reads its cache
    )
    order = await finder_order(VERIFY, context, exclude=excluded)
    material = render_material(
        in_order_of(order[0] if order else None, chunk),
        guidelines=change.guidelines,
        secret=context.secret,
        redactor=context.redactor,
    )
    try:
        looked, asked_again = await ask_to_decide(
            context, question, material=material, exclude=excluded, parent_id=parent_id
        )
    except QuorumError as error:
        log.warning("claims not verified", extra={"review_id": context.scope.review_id, "error": str(error)})
        return Verdicts()
    response = looked.completion.response
    by = f"{response.provider}:{response.model}"
    verdicts = tuple(
        VerifierVerdict(
            id=claims[parsed.id].fingerprint,
            judgement=parsed.judgement,
            evidence=parsed.evidence,
            worth=parsed.worth,
            by=by,
            same_as=claims[parsed.same_as].fingerprint if parsed.same_as in claims else None,
            restated=parsed.restated,
        )
        for parsed in looked.completion.value
    )
    return Verdicts(verdicts=verdicts, looked_up=looked.looked_up, asked_again=asked_again)


def _parse(value: object, ids: Sequence[str]) -> tuple[ParsedVerdict, ...]:
    """The verdicts; all are unsure if the model still asks for code when no look-ups are left."""
    try:
        return parse_verdicts(value, ids=ids)
    except ModelInvalidOutput:
        if not wants_lookups(value):
            raise
        return tuple(
            ParsedVerdict(id=id_, judgement=Judgement.UNSURE, evidence=ONLY_ASKED, worth=0) for id_ in ids
        )


def _description(batch: Sequence[Finding], change: ReviewContext, context: StageContext) -> str:
    """Render the description; empty if all claims come from the security stage, because it biases the verifier."""
    if all(finding.stage is Stage.SECURITY for finding in batch):
        return ""
    clean = without_secrets(change, context.redactor)
    issues = render_issues(clean.issues, context.secret)
    description = render_description(clean.pull_request, context.secret)
    return f"{description}\n{issues}" if issues else description


def _by_chunk(candidates: Sequence[Finding], chunks: Sequence[Chunk]) -> list[tuple[int, list[Finding]]]:
    """Group the candidates by the chunk that shows them; if no chunk shows a candidate's file, it goes to the first."""
    batches: dict[int, list[Finding]] = {}
    for finding in candidates:
        batches.setdefault(_chunk_of(finding, chunks), []).append(finding)
    return sorted(batches.items()) if chunks else []


def _chunk_of(finding: Finding, chunks: Sequence[Chunk]) -> int:
    showing = [
        (not is_shown_in(chunk, finding), index)
        for index, chunk in enumerate(chunks)
        if any(file.path == finding.path for file in chunk.files)
    ]
    return min(showing)[1] if showing else 0


def _json_lines(claims: Mapping[str, Finding], near: Mapping[str, Sequence[str]]) -> str:
    ids = {finding.fingerprint: id_ for id_, finding in claims.items()}
    return "\n".join(
        json.dumps(
            {
                "id": id_,
                "path": finding.path,
                "lines": f"{finding.start_line}-{finding.end_line}",
                "quote": finding.quote,
                "claim": finding.title,
                **_compared([ids[each] for each in near.get(finding.fingerprint, ()) if each in ids]),
            },
            ensure_ascii=False,
        )
        for id_, finding in claims.items()
    )


def _compared(ids: Sequence[str]) -> dict[str, Sequence[str]]:
    return {"compare": ids} if ids else {}
