"""Gather what the models and the analyzers see of a change."""

from app.gather.code_owners import CodeOwners
from app.gather.configuration import (
    BASE_PATHS,
    Configuration,
    configuration_schema,
    parse_configuration,
    read_configuration,
)
from app.gather.gather import Gathered, gather
from app.gather.guidelines import guideline_cuts
from app.gather.overrides import change_rules, explain_path
from app.gather.selection import NOT_READABLE
from app.gather.tiers import TierThresholds

__all__ = [
    "BASE_PATHS",
    "NOT_READABLE",
    "CodeOwners",
    "Configuration",
    "Gathered",
    "TierThresholds",
    "change_rules",
    "configuration_schema",
    "explain_path",
    "gather",
    "guideline_cuts",
    "parse_configuration",
    "read_configuration",
]
