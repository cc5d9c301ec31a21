"""The tools for agents that work off the findings of a pull request: list, get, propose a fix, mark as fixed.

They read the App's database, and no checkout. The caller passes the current text of the finding's file.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.configuration import Fixes, RepositoryConfig
from app.domain.diff import Diff, FileDiff, FileStatus
from app.domain.finding import Finding
from app.domain.fix import FindingFix, PathKind
from app.domain.pull_request import PullRequestRef, Snapshot
from app.errors import InputError
from app.fixes.checks import FixState
from app.fixes.fixing import fix_finding
from app.fixes.patch import render_patch
from app.fixes.questions import FixQuestions
from app.fixes.request import fix_findings
from app.llm.client import CallScope
from app.mcp_server.answers import (
    FindingsAnswer,
    MarkedAnswer,
    OpenFindingAnswer,
    ProposedFixAnswer,
    WholeFindingAnswer,
)
from app.mcp_server.code_input import check_length
from app.mcp_server.service import ToolService
from app.publish.fixes import explain_fix_problem
from app.publish.reports import finding_value
from app.store.findings import load_finding_row
from app.store.fixes import load_marked, record_marked
from app.store.pull_requests import KnownFinding, load_memory
from app.store.repository_settings import load_settings_for_finding
from app.store.review_tables import FindingRow

ACCOUNT = "mcp"  # the repository to which the calls are charged


def parse_ref(repository: str, pull_request: int) -> PullRequestRef:
    """Read `owner/repo` and a number; raises `InputError`."""
    owner, slash, repo = repository.partition("/")
    if not (owner and slash and repo) or "/" in repo:
        raise InputError("Name the repository as owner/repo.")
    return PullRequestRef(owner=owner, repo=repo, number=pull_request)


async def list_findings(service: ToolService, repository: str, pull_request: int) -> FindingsAnswer:
    """Return the open findings that the App has shown; raises `InputError` if it reviewed no such pull request."""
    ref = parse_ref(repository, pull_request)
    memory = await asyncio.to_thread(load_memory, service.database, ref)
    if memory.reviewed_sha is None:
        raise InputError(f"Quorum has not reviewed {ref}.")
    marked = await asyncio.to_thread(load_marked, service.database, ref)
    known = [each for each in memory.findings if each.is_unsettled and each.shown]
    known.sort(key=lambda each: each.finding.severity.rank)
    return FindingsAnswer(
        repository=ref.repository,
        pull_request=ref.number,
        reviewed_sha=memory.reviewed_sha,
        findings=[OpenFindingAnswer.model_validate(_fields(service, each, marked)) for each in known],
    )


def _fields(service: ToolService, known: KnownFinding, marked: Mapping[str, str | None]) -> dict[str, object]:
    finding = known.finding
    return {
        **finding_value(finding, redact=service.services.redactor.redact),
        "outcome": known.outcome,
        "marked_fixed": finding.fingerprint in marked,
    }


async def get_finding(service: ToolService, finding_id: str) -> WholeFindingAnswer:
    """Return one finding with its code and evidence; raises `InputError` if there is none."""
    row, known = await _load(service, finding_id)
    marked = await asyncio.to_thread(load_marked, service.database, _ref_of(row))
    redact = service.services.redactor.redact
    more = {
        "repository": row.repository,
        "pull_request": row.pull_request,
        "quote": redact(row.quote),
        "why": redact(row.evidence),
        "verified": redact(row.verifier_evidence),
    }
    return WholeFindingAnswer.model_validate(_fields(service, known, marked) | more)


async def _load(service: ToolService, finding_id: str) -> tuple[FindingRow, KnownFinding]:
    row = await asyncio.to_thread(load_finding_row, service.database, finding_id)
    if row is None or not row.repository:
        raise InputError("There is no finding with this ID; use an ID from `list_findings`.")
    memory = await asyncio.to_thread(load_memory, service.database, _ref_of(row))
    known = next((each for each in memory.findings if each.finding.fingerprint == finding_id), None)
    if known is None:
        raise InputError("There is no finding with this ID; use an ID from `list_findings`.")
    return row, known


def _ref_of(row: FindingRow) -> PullRequestRef:
    return parse_ref(row.repository or "", row.pull_request or 0)


async def propose_fix(service: ToolService, finding_id: str, code: str) -> ProposedFixAnswer:
    """Make and check a fix of the finding in the current text of its file; writes nothing.

    Raises:
        InputError: there is no such finding, the text is too long, or the repository allows no fixes.
    """
    check_length(code)
    _, known = await _load(service, finding_id)
    finding = known.finding
    head = OneFile(path=finding.path, content=code.encode("utf-8", "surrogatepass"))
    diff = Diff(files=(FileDiff(path=finding.path, status=FileStatus.MODIFIED),))
    questions = FixQuestions(
        services=service.services,
        config=await _configuration(service, finding_id),
        scope=CallScope(repository=ACCOUNT),
        snapshot=Snapshot(pull_request=None, diff=diff, base_files={}),
    )

    async def make(finding: Finding, state: FixState) -> FindingFix:
        return await fix_finding(finding, state, questions)

    made = await fix_findings([finding], diff=diff, head=head, fix=make)
    [fix] = made.fixes
    redact = service.services.redactor.redact
    return ProposedFixAnswer(
        status=fix.status.value,
        sentence=redact(fix.sentence),
        patch=render_patch(made.files or made.unconfirmed),
        fixed_by=fix.fixed_by,
        confirmed_by=fix.confirmed_by,
        problems=[redact(explain_fix_problem(each)) for each in fix.problems],
    )


async def _configuration(service: ToolService, finding_id: str) -> RepositoryConfig:
    """Which vendors may see the code, as the App's last review read it; what every repository with this finding permits."""
    known = await asyncio.to_thread(load_settings_for_finding, service.database, finding_id)
    if not known or not all({"providers", "fixes"} <= each.keys() for each in known):
        raise InputError(
            "The configuration of the finding's repository is not known. Let the App review it again."
        )
    if any(json.loads(each["fixes"]) == Fixes.OFF for each in known):
        raise InputError("Fixes are turned off in this repository (`fixes: off`).")
    first, *others = (json.loads(each["providers"]) for each in known)
    return RepositoryConfig(providers=tuple(name for name in first if all(name in each for each in others)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OneFile:
    """A head of which only one file is known (`app.domain.fix.HeadFiles`); a fix can also add tests."""

    path: str
    content: bytes

    async def read(self, path: str) -> bytes | None:
        """Return the file's content; None for any other path."""
        return self.content if path == self.path else None

    async def kind(self, path: str) -> PathKind:
        """Say that only this file exists."""
        return PathKind.FILE if path == self.path else PathKind.ABSENT


async def mark_fixed(service: ToolService, finding_id: str, commit: str | None) -> MarkedAnswer:
    """Record that the caller fixed the finding; raises `InputError` if there is no such finding."""
    row, _ = await _load(service, finding_id)
    await asyncio.to_thread(
        record_marked,
        service.database,
        _ref_of(row),
        finding_id,
        installation_id=row.installation_id,
        commit_sha=commit,
        at=service.clock(),
    )
    recorded = "Recorded. Push the fix: the review of the push decides whether the finding is gone."
    return MarkedAnswer(finding_id=finding_id, recorded=recorded)
