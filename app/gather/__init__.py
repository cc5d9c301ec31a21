"""Gather what the models and the analyzers see of a change."""

from app.gather.configuration import (
    BASE_PATHS,
    Configuration,
    configuration_schema,
    parse_configuration,
    read_configuration,
)
from app.gather.gather import Gathered, TierThresholds, gather
from app.gather.guidelines import guideline_cuts
from app.gather.selection import NOT_READABLE

__all__ = [
    "BASE_PATHS",
    "NOT_READABLE",
    "Configuration",
    "Gathered",
    "TierThresholds",
    "configuration_schema",
    "gather",
    "guideline_cuts",
    "parse_configuration",
    "read_configuration",
]
