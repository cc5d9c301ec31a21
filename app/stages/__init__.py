"""Asks models: the three stages, and the verification of their claims."""

from app.stages.asking import StageContext
from app.stages.material import was_reviewed
from app.stages.run import run_stage
from app.stages.unsure import AskedAgain
from app.stages.verify import ask_verdicts

__all__ = ["AskedAgain", "StageContext", "ask_verdicts", "run_stage", "was_reviewed"]
