"""What the stations of a review are given: built once by `app.main`, passed in, never looked up."""

from dataclasses import dataclass, field

from app.domain.configuration import Budget
from app.domain.step import NoTracer, Tracer
from app.gather import TierThresholds
from app.llm.models import Models
from app.prompting.prompts import Prompts
from app.redaction import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts that every door shares."""

    models: Models
    prompts: Prompts
    redactor: Redactor
    secret: bytes = field(repr=False)  # of the fences round untrusted text
    thresholds: TierThresholds = field(default_factory=TierThresholds)
    stage_deadline_s: float = 600.0
    chunk_tokens: int = 40_000
    budget: Budget = field(default_factory=Budget)  # the operator's; a repository may only lower it
    tracer: Tracer = field(default_factory=NoTracer)
