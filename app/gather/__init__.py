"""What the models and the analysers see of a change, from one read of its `Source`."""

from app.gather.configuration import Configuration, configuration_schema, parse_configuration
from app.gather.gather import Gathered, gather
from app.gather.risk import TierThresholds

__all__ = [
    "Configuration",
    "Gathered",
    "TierThresholds",
    "configuration_schema",
    "gather",
    "parse_configuration",
]
