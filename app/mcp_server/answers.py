"""The tools' answers, as structured output with a schema. Values only."""

from typing import Any, Literal

from pydantic import BaseModel, Field


class FindingAnswer(BaseModel):
    """A claim about a place in the code; `id` names it for `explain_finding`."""

    id: str
    stage: str
    severity: Literal["critical", "high", "medium", "low", "info"]
    rule_id: str
    cwe: str | None
    path: str
    start_line: int
    end_line: int
    side: str
    title: str
    explanation: str
    suggestion: str | None = Field(description="Text that replaces start_line..end_line, or null.")
    found_by: list[str]
    confirmed_by: list[str]
    placement: str


class RejectedAnswer(BaseModel):
    """A claim that was rejected, and why."""

    title: str
    reason: str


class StageAnswer(BaseModel):
    """The outcome of a stage; `failed` means that the code was not reviewed."""

    stage: str
    status: Literal["completed", "failed", "skipped"]
    provider: str | None
    model: str | None
    error: str | None


class DocumentAnswer(BaseModel):
    """A document that the docs stage wrote."""

    format: str
    title: str
    content: str


class UsageAnswer(BaseModel):
    """The cost of the call: attempts, tokens, and USD."""

    calls: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: float


class ReportAnswer(BaseModel):
    """A review's report."""

    status: Literal["reviewed", "not_reviewed"] = Field(description="not_reviewed: a requested stage failed.")
    result: str = Field(description="What was not reviewed and why, what was found, and who read what.")
    findings: list[FindingAnswer]
    rejected: list[RejectedAnswer]
    stages: list[StageAnswer]
    documents: list[DocumentAnswer]
    notes: list[str] = Field(description="What was not reviewed and why, and whether no model has a key.")
    usage: UsageAnswer
    duration_ms: int


class PackageAnswer(BaseModel):
    """A package that the change adds; `version` is null for a range or if it is missing."""

    ecosystem: str
    name: str
    version: str | None
    path: str
    line: int


class ScanAnswer(BaseModel):
    """A security scan.

    An empty `findings` means "nothing found" only if the status is `checked`. For `could_not_check` and
    `not_applicable`, `notes` say why nothing was scanned.
    """

    scan_type: Literal["sast", "sca", "dast"]
    status: Literal["checked", "could_not_check", "not_applicable"]
    result: str = Field(
        default="", description="What was not reviewed and why, what was found, and who read what."
    )
    findings: list[FindingAnswer] = []
    rejected: list[RejectedAnswer] = []
    packages: list[PackageAnswer] = []
    notes: list[str] = []
    stages: list[StageAnswer] = []
    usage: UsageAnswer | None = None


class DocumentationAnswer(BaseModel):
    """Documentation of the code. If `status` is not `written`, nothing is in the requested format, and `notes` say why."""

    status: Literal["written", "not_written"]
    result: str = Field(
        default="", description="What was not reviewed and why, what was found, and who read what."
    )
    documents: list[DocumentAnswer]
    notes: list[str]
    stages: list[StageAnswer]
    usage: UsageAnswer


class ExplanationAnswer(BaseModel):
    """Everything that is known about a finding."""

    finding: FindingAnswer
    rule: str = Field(description="What the rule means.")
    why: str = Field(description="The finder's evidence.")
    verified: str = Field(description="The verifier's evidence; empty if no other model checked the finding.")
    outcome: str | None = Field(description="open, resolved, dismissed, outdated, or null.")


class OpenFindingAnswer(FindingAnswer):
    """An open finding of a pull request; `marked_fixed`: an agent says that it fixed it, and no review has said so yet."""

    outcome: str | None
    marked_fixed: bool


class FindingsAnswer(BaseModel):
    """The open findings of a pull request, the worst first; `reviewed_sha` is the head that the last review read."""

    repository: str
    pull_request: int
    reviewed_sha: str | None
    findings: list[OpenFindingAnswer]


class WholeFindingAnswer(OpenFindingAnswer):
    """A finding with the code that it is about, and what was said for it."""

    repository: str
    pull_request: int
    quote: str
    why: str = Field(description="The finder's evidence.")
    verified: str = Field(description="The verifier's evidence; empty if no other model checked the finding.")


class ProposedFixAnswer(BaseModel):
    """A fix; only `confirmed` was checked and confirmed by another vendor's model. `git apply` takes `patch`."""

    status: Literal["confirmed", "unconfirmed", "failed"]
    sentence: str
    patch: str
    fixed_by: str | None
    confirmed_by: str | None
    problems: list[str]


class MarkedAnswer(BaseModel):
    """What was recorded. The finding stays open until a review of the pull request finds it gone."""

    finding_id: str
    recorded: str


class StatsAnswer(BaseModel):
    """Statistics per model."""

    since: str
    models: list[dict[str, Any]]
