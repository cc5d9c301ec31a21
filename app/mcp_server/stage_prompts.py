"""The prompt of a stage with a caller's code, for programs that ask a model themselves."""

import asyncio

from app.domain.analysis import Analysis
from app.domain.finding import Stage
from app.gather import Gathered
from app.llm.client import CallScope
from app.mcp_server.code_input import open_code
from app.pipeline import PipelineOptions, gather_change
from app.pipeline.inputs import Services
from app.stages.asking import system_prompt
from app.stages.material import render_material
from app.stages.questions import stage_question


async def stage_prompt(services: Services, stage: Stage, code: str, language: str | None) -> str:
    """The instructions, what of the code was left out, the code in a fence, and the stage's question, redacted.

    Raises:
        InputError: the code or the language cannot be read.
    """
    source = await asyncio.to_thread(open_code, code, language)
    gathered = await gather_change(source, PipelineOptions(scope=CallScope(), stages=(stage,)), services)
    return await asyncio.to_thread(_render, services, stage, gathered)


def _render(services: Services, stage: Stage, gathered: Gathered) -> str:
    context, config = gathered.context, gathered.config
    parts = [system_prompt(services.prompts).text, *_left_out(gathered)]
    for chunk in context.chunks:
        question = stage_question(stage, chunk, context, config, secret=services.secret, analysis=Analysis())
        material = render_material(chunk, guidelines=(), secret=services.secret, redactor=services.redactor)
        parts += [material, services.prompts.render(question.prompt_id, **question.inputs).text]
    return services.redactor.redact("\n\n".join(parts))


def _left_out(gathered: Gathered) -> list[str]:
    coverage = gathered.coverage
    return [
        *(f"Note: {each.path} is not below: {each.reason}." for each in coverage.omitted),
        *(f"Note: a part of {each.path} is not below: {each.reason}." for each in coverage.partly),
        *(f"Note: only the start of the long lines of {path} is below." for path in gathered.cut_files),
    ]
