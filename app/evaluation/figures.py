"""Figures over cases (precision, recall, F1), by model and prompt version, and of verification. Pure.

A ratio without a denominator is None, never 0 or 1.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.domain.finding import Finding
from app.domain.model_call import ModelCall, Outcome
from app.evaluation.judge import CaseRun, JudgedFinding, JudgeVerdict
from app.evaluation.tables import share, total_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationFigures:
    """Counts over a set of cases. `false` counts every finding that is not a found defect, also duplicates and plausible ones."""

    cases: int = 0
    found: int = 0
    missed: int = 0
    false: int = 0
    duplicates: int = 0
    plausible: int = 0
    on_line: int = 0

    @property
    def comments(self) -> int:
        """Number of findings."""
        return self.found + self.false

    @property
    def precision(self) -> float | None:
        """Strict precision: every unlisted finding is false."""
        return share(self.found, self.comments)

    @property
    def lenient_precision(self) -> float | None:
        """Precision without plausible findings."""
        return share(self.found, self.comments - self.plausible)

    @property
    def recall(self) -> float | None:
        """Share of known defects that were found."""
        return share(self.found, self.found + self.missed)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of strict precision and recall."""
        return share(2 * self.found, 2 * self.found + self.false + self.missed)

    @property
    def comments_per_case(self) -> float | None:
        """Findings per pull request."""
        return share(self.comments, self.cases)

    @property
    def line_accuracy(self) -> float | None:
        """Share of found defects whose finding overlaps the known lines."""
        return share(self.on_line, self.found)


def figures_of(verdicts: Sequence[JudgeVerdict]) -> EvaluationFigures:
    """Return the figures of one verdict per case."""
    judged = [each for verdict in verdicts for each in verdict.judged]
    return EvaluationFigures(
        cases=len(verdicts),
        found=_count(each.is_true for each in judged),
        missed=sum(len(verdict.missed) for verdict in verdicts),
        false=_count(not each.is_true for each in judged),
        duplicates=_count(each.is_duplicate for each in judged),
        plausible=_count(each.is_plausible for each in judged),
        on_line=_count(each.is_true and each.is_on_line for each in judged),
    )


def _count(flags: Iterable[bool]) -> int:
    return sum(flags)


ANALYZERS = "analyzers"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """A model with one version of one prompt. `claims` and `true` count its own claims; verifiers make none.

    A claim made by several stages is one claim; it counts for each model that made it.
    `cost_usd` is None if a price is unknown.
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
class VerificationFigures:
    """How many true and false claims verification kept or refuted."""

    true_kept: int = 0
    true_refuted: int = 0
    false_kept: int = 0
    false_refuted: int = 0


def model_rows(runs: Sequence[CaseRun]) -> list[ModelFigures]:
    """Return a row per prompt, version and model, and one for all analyzers."""
    groups: dict[tuple[str, str, str], list[ModelCall]] = {}
    for run in runs:
        for call in run.calls:
            key = (call.prompt_id, call.prompt_version, f"{call.provider}:{call.model}")
            groups.setdefault(key, []).append(call)
    rows = [_model_row(*key, calls, runs) for key, calls in sorted(groups.items())]
    return [*rows, _analyzers_row(runs)]


def _model_row(
    prompt_id: str, version: str, model: str, calls: Sequence[ModelCall], runs: Sequence[CaseRun]
) -> ModelFigures:
    case_names = {call.review_id for call in calls}
    own = [
        each
        for run in runs
        if run.case.name in case_names
        for each in run.claimed.judged
        if model in each.finding.found_by and _made_under(prompt_id, each.finding, model, run)
    ]
    return ModelFigures(
        prompt_id=prompt_id,
        prompt_version=version,
        model=model,
        calls=len(calls),
        failed=sum(call.outcome is not Outcome.OK for call in calls),
        claims=len(own),
        true=sum(_is_right(each) for each in own),
        input_tokens=sum(call.usage.input_tokens for call in calls),
        output_tokens=sum(call.usage.output_tokens for call in calls),
        cost_usd=total_usd([call.cost_usd for call in calls]),
    )


def _made_under(prompt_id: str, finding: Finding, model: str, run: CaseRun) -> bool:
    """Whether the model made the claim with this prompt; a merged claim names one stage, but the model may have made it in another."""
    own = {call.prompt_id for call in run.calls if f"{call.provider}:{call.model}" == model}
    named = f"{finding.stage}/question"
    return prompt_id == named or (named not in own and not prompt_id.startswith("verify/"))


def _analyzers_row(runs: Sequence[CaseRun]) -> ModelFigures:
    own = [
        each
        for run in runs
        for each in run.claimed.judged
        if any(name.startswith(f"{ANALYZERS}:") for name in each.finding.found_by)
    ]
    return ModelFigures(
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


def verification(runs: Sequence[CaseRun]) -> VerificationFigures:
    """Return the figures of verification over all claims of models."""
    kept = {(run.case.name, each.fingerprint) for run in runs for each in run.report.findings}
    counts = {(right, stays): 0 for right in (True, False) for stays in (True, False)}
    for name, each in _models_claims(runs):
        counts[_is_right(each), (name, each.finding.fingerprint) in kept] += 1
    return VerificationFigures(
        true_kept=counts[True, True],
        true_refuted=counts[True, False],
        false_kept=counts[False, True],
        false_refuted=counts[False, False],
    )


def _models_claims(runs: Sequence[CaseRun]) -> Iterator[tuple[str, JudgedFinding]]:
    for run in runs:
        for each in run.claimed.judged:
            if _has_model(each.finding):
                yield run.case.name, each


def _has_model(finding: Finding) -> bool:
    return any(not name.startswith(f"{ANALYZERS}:") for name in finding.found_by)


def _is_right(each: JudgedFinding) -> bool:
    """Whether it matches a known defect, including duplicates."""
    return each.defect is not None
