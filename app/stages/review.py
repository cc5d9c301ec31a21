"""The review stage's question: correctness, with what the author says about the change. Never asks by itself."""

from app.answers import parse_findings
from app.domain.configuration import RepositoryConfig
from app.domain.finding import Stage
from app.domain.review import Chunk, ReviewContext
from app.stages.asking import Question
from app.stages.saying import Said
from app.stages.sections import (
    render_description,
    render_earlier,
    render_instructions,
    render_manner,
)


def review_question(
    chunk: Chunk, context: ReviewContext, config: RepositoryConfig, *, secret: bytes
) -> Question:
    """What to ask about one chunk."""
    paths = {file.path for file in context.diff.files}
    shown = {file.path for file in chunk.files}
    earlier = [each for each in context.earlier_findings if each.path in shown]

    def parse(value: object) -> Said:
        parsed = parse_findings(value, stage=Stage.REVIEW, paths=paths)
        return Said(findings=parsed.findings, notes=parsed.notes)

    return Question(
        kind=Stage.REVIEW.value,
        prompt_id="review/question",
        inputs={
            "description": render_description(context.pull_request, secret),
            "instructions": render_instructions(chunk.instructions, secret),
            "earlier": render_earlier(earlier, secret, with_titles=True),
            "manner": render_manner(config, secret),
        },
        parse=parse,
    )
