"""Who said what and what it took: by model and prompt version, and how the verifiers judged. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.finding import Finding
from app.domain.model_call import ModelCall, Outcome
from app.evaluation.judge import Judged
from app.evaluation.run import CaseRun

ANALYZERS = "analyzers"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model with one version of one prompt. `claims` and `true` are those it made itself; verifiers make none.

    A claim that several stages made is one; it counts for each model that made it.
    `cost_usd` is None where a price is unknown.
    """

    prompt_id: str
    prompt_version: str
    model: str  # provider:model
    calls: int
    failed: int
    claims: int
    true: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What became of the models' claims: kept or taken away, rightly or not."""

    true_kept: int = 0
    true_refuted: int = 0
    false_kept: int = 0
    false_refuted: int = 0


def model_rows(runs: Sequence[CaseRun]) -> list[ModelRow]:
    """One row a prompt, version and model, and one for all analysers, which cost nothing."""
    groups: dict[tuple[str, str, str], list[ModelCall]] = {}
    for run in runs:
        for call in run.calls:
            key = (call.prompt_id, call.prompt_version, f"{call.provider}:{call.model}")
            groups.setdefault(key, []).append(call)
    rows = [_model_row(*key, calls, runs) for key, calls in sorted(groups.items())]
    return [*rows, _analyzers_row(runs)]


def _model_row(
    prompt_id: str, version: str, model: str, calls: Sequence[ModelCall], runs: Sequence[CaseRun]
) -> ModelRow:
    asked = {call.review_id for call in calls}
    own = [
        each
        for run in runs
        if run.case.name in asked
        for each in run.claimed.judged
        if model in each.finding.found_by and _made_under(prompt_id, each.finding, model, run)
    ]
    costs = [call.cost_usd for call in calls]
    return ModelRow(
        prompt_id=prompt_id,
        prompt_version=version,
        model=model,
        calls=len(calls),
        failed=sum(call.outcome is not Outcome.OK for call in calls),
        claims=len(own),
        true=sum(_is_right(each) for each in own),
        input_tokens=sum(call.usage.input_tokens for call in calls),
        output_tokens=sum(call.usage.output_tokens for call in calls),
        cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
    )


def _made_under(prompt_id: str, finding: Finding, model: str, run: CaseRun) -> bool:
    """A merged claim names one stage; a model that was not asked in that one made it in its own."""
    own = {call.prompt_id for call in run.calls if f"{call.provider}:{call.model}" == model}
    named = f"{finding.stage}/question"
    return prompt_id == named or (named not in own and not prompt_id.startswith("verify/"))


def _analyzers_row(runs: Sequence[CaseRun]) -> ModelRow:
    own = [
        each
        for run in runs
        for each in run.claimed.judged
        if any(name.startswith(f"{ANALYZERS}:") for name in each.finding.found_by)
    ]
    return ModelRow(
        prompt_id="–",
        prompt_version="–",
        model=ANALYZERS,
        calls=0,
        failed=0,
        claims=len(own),
        true=sum(_is_right(each) for each in own),
        input_tokens=0,
        output_tokens=0,
        cost_usd=0.0,
    )


def verification(runs: Sequence[CaseRun]) -> Verification:
    """The verifiers' work over all claims that a model made."""
    kept = {(run.case.name, each.fingerprint) for run in runs for each in run.report.findings}
    counts = {(right, stays): 0 for right in (True, False) for stays in (True, False)}
    for name, each in _models_claims(runs):
        counts[_is_right(each), (name, each.finding.fingerprint) in kept] += 1
    return Verification(
        true_kept=counts[True, True],
        true_refuted=counts[True, False],
        false_kept=counts[False, True],
        false_refuted=counts[False, False],
    )


def _models_claims(runs: Sequence[CaseRun]) -> Iterator[tuple[str, Judged]]:
    for run in runs:
        for each in run.claimed.judged:
            if _has_model(each.finding):
                yield run.case.name, each


def _has_model(finding: Finding) -> bool:
    return any(not name.startswith(f"{ANALYZERS}:") for name in finding.found_by)


def _is_right(each: Judged) -> bool:
    """Whether it speaks of a known defect, first or again."""
    return each.golden is not None
