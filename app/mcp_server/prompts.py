"""The stages' prompts with a caller's code in them, as text for the caller's own model. Asks no model."""

from app.domain.analysis import Analysis
from app.domain.finding import Stage
from app.llm.client import CallScope
from app.mcp_server.given import open_given
from app.pipeline import PipelineOptions, gather_change
from app.pipeline.inputs import Services
from app.stages.asking import system_prompt
from app.stages.material import render_material
from app.stages.questions import stage_question


async def stage_prompt(services: Services, stage: Stage, code: str, language: str | None) -> str:
    """Instructions, the code in a fence, and the stage's question; redacted as for our own models.

    Raises:
        InputError: the code or the language cannot be read.
    """
    source = open_given(code, language)
    gathered = await gather_change(source, PipelineOptions(scope=CallScope(), stages=(stage,)), services)
    context, config = gathered.context, gathered.config
    parts = [system_prompt(services.prompts).text]
    for chunk in context.chunks:
        question = stage_question(stage, chunk, context, config, secret=services.secret, analysis=Analysis())
        material = render_material(chunk, guidelines=(), secret=services.secret, redactor=services.redactor)
        parts += [material, services.prompts.render(question.prompt_id, **question.inputs).text]
    return services.redactor.redact("\n\n".join(parts))
