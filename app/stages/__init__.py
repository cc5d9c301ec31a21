"""Asks models: the three stages, and the verifier of what they claim."""

from app.stages.material import has_read
from app.stages.run import run_stage
from app.stages.verify import ask_verdicts

__all__ = ["ask_verdicts", "has_read", "run_stage"]
