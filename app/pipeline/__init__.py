"""The pipeline of one review: gather, analyze, run the stages, verify. The App, the CLI, and the MCP server share it."""

from app.pipeline.inputs import REVIEW_SPAN, PipelineOptions, Services, Stations
from app.pipeline.review import gather_change, gather_snapshot, review_gathered

__all__ = [
    "REVIEW_SPAN",
    "PipelineOptions",
    "Services",
    "Stations",
    "gather_change",
    "gather_snapshot",
    "review_gathered",
]
