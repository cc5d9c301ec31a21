"""Makes the fix of one finding: at most two proposals, each checked by plain code and then by another vendor's model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.finding import Finding
from app.domain.fix import (
    FindingFix,
    FixedFile,
    FixProblem,
    FixProblemCode,
    FixStatus,
    ProposedFix,
    vendors_of_fix,
)
from app.domain.model_call import Provider
from app.errors import FixRejected, ModelError
from app.fixes.checks import FixState, check_fix
from app.fixes.questions import FixQuestions, FixVerdict
from app.fixes.rules import is_untouchable
from app.llm.client import Completion
from app.publish.fixes import explain_fix_problem

MAX_TRIES = 2
MAX_FILES_SHOWN = 8
# Another proposal would end in the same way after the other problems.
_WORTH_RETRYING = frozenset(FixProblemCode) - {FixProblemCode.UNVERIFIED, FixProblemCode.NO_EDITS}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """One proposal: who made it, what it does, and why it is not used as it is."""

    proposed: ProposedFix
    by: str
    confirmed_by: str | None = None
    files: Sequence[FixedFile] = ()  # none: a check rejected it
    problem: FixProblem | None = None


async def fix_finding(finding: Finding, state: FixState, questions: FixQuestions) -> FindingFix:
    """Return a fix that another vendor's model confirmed, or the last one that passed the checks, or none.

    Raises:
        GitHubError, InputError: a file cannot be read.
    """
    if is_untouchable(finding.path):
        return _failed(finding, FixProblem(code=FixProblemCode.PROTECTED_PATH, path=finding.path))
    if state.diff.file(finding.path) is None:
        return _failed(finding, FixProblem(code=FixProblemCode.OUTSIDE_CHANGE, path=finding.path))
    shown = await _files_shown(finding, state)
    if finding.path not in shown:
        return _failed(finding, FixProblem(code=FixProblemCode.DELETED_FILE, path=finding.path))
    tries: list[_Try] = []
    call_ids: list[str] = []
    while len(tries) < MAX_TRIES and all(
        each.problem and each.problem.code in _WORTH_RETRYING for each in tries
    ):
        try:
            made = await _try(finding, state, questions, tries=tries, shown=shown, call_ids=call_ids)
        except ModelError as error:
            problem = FixProblem(code=FixProblemCode.NO_MODEL, detail=str(error))
            if not tries:
                return _failed(finding, problem)
            break
        tries.append(made)
    return _result(finding, tries, call_ids)


async def _try(
    finding: Finding,
    state: FixState,
    questions: FixQuestions,
    *,
    tries: Sequence[_Try],
    shown: Mapping[str, bytes],
    call_ids: list[str],
) -> _Try:
    completion = await questions.ask_fix(
        finding,
        shown,
        objections=[explain_fix_problem(each.problem) for each in tries if each.problem],
        exclude=_not_fixing(finding, questions),
    )
    call_ids.append(completion.call_id)
    return await _check(completion, finding, state, questions, shown=shown, call_ids=call_ids)


def _failed(finding: Finding, problem: FixProblem) -> FindingFix:
    return FindingFix(fingerprint=finding.fingerprint, status=FixStatus.FAILED, problems=(problem,))


async def _check(
    completion: Completion[ProposedFix],
    finding: Finding,
    state: FixState,
    questions: FixQuestions,
    *,
    shown: Mapping[str, bytes],
    call_ids: list[str],
) -> _Try:
    proposed, by = completion.value, _name(completion)
    try:
        files = await check_fix(proposed.edits, finding, state, redactor=questions.services.redactor)
    except FixRejected as error:
        detail = proposed.sentence if error.code == FixProblemCode.NO_EDITS else error.detail
        problem = FixProblem(code=FixProblemCode(error.code), path=error.path, detail=detail)
        return _Try(proposed=proposed, by=by, problem=problem)
    try:
        judged = await questions.ask_verdict(
            finding,
            shown,
            fixed=files,
            exclude=sorted(vendors_of_fix(by, finding.found_by)),
            parent_id=completion.call_id,
        )
    except ModelError as error:
        problem = FixProblem(code=FixProblemCode.UNVERIFIED, detail=str(error))
        return _Try(proposed=proposed, by=by, files=files, problem=problem)
    call_ids.append(judged.call_id)
    return _Try(
        proposed=proposed,
        by=by,
        confirmed_by=_name(judged),
        files=files,
        problem=None
        if judged.value.is_right
        else FixProblem(code=FixProblemCode.OBJECTION, detail=judged.value.evidence),
    )


def _name(completion: Completion[ProposedFix] | Completion[FixVerdict]) -> str:
    return f"{completion.response.provider}:{completion.response.model}"


def _result(finding: Finding, tries: Sequence[_Try], call_ids: Sequence[str]) -> FindingFix:
    problems = tuple(each.problem for each in tries if each.problem)
    last = next((each for each in reversed(tries) if each.files), None)
    if last is None:
        return FindingFix(
            fingerprint=finding.fingerprint,
            status=FixStatus.FAILED,
            fixed_by=tries[-1].by,
            problems=problems,
            call_ids=tuple(call_ids),
        )
    is_confirmed = last.problem is None
    return FindingFix(
        fingerprint=finding.fingerprint,
        status=FixStatus.CONFIRMED if is_confirmed else FixStatus.UNCONFIRMED,
        edits=last.proposed.edits,
        sentence=last.proposed.sentence,
        fixed_by=last.by,
        confirmed_by=last.confirmed_by if is_confirmed else None,
        problems=problems,
        call_ids=tuple(call_ids),
    )


def _not_fixing(finding: Finding, questions: FixQuestions) -> list[Provider]:
    """The vendors that must leave the fix to others, because otherwise nobody could confirm it."""
    permitted = filter(questions.config.permits, questions.services.models.providers)
    available = list(dict.fromkeys(each.vendor for each in permitted))
    unconfirmable = [
        each for each in available if not set(available) - vendors_of_fix(f"{each}:", finding.found_by)
    ]
    return unconfirmable if len(unconfirmable) < len(available) else []


async def _files_shown(finding: Finding, state: FixState) -> dict[str, bytes]:
    """The finding's file, the files of its other places, and changed tests."""
    tests = [file.path for file in state.diff.files if "test" in file.path.lower()]
    paths = [finding.path, *(each.path for each in finding.duplicates), *tests]
    contents = {path: await state.read(path) for path in list(dict.fromkeys(paths))[:MAX_FILES_SHOWN]}
    return {path: content for path, content in contents.items() if content is not None}
