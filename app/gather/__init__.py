"""Gather what the models and the analyzers see of a change."""

from app.gather.configuration import (
    BASE_PATHS,
    Configuration,
    configuration_schema,
    parse_configuration,
    read_configuration,
)
from app.gather.gather import Gathered, TierThresholds, gather

__all__ = [
    "BASE_PATHS",
    "Configuration",
    "Gathered",
    "TierThresholds",
    "configuration_schema",
    "gather",
    "parse_configuration",
    "read_configuration",
]
