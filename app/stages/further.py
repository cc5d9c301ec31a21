"""Further finders: other vendors that search the same change, each in a file order of its own.

A second pass of one model finds little that the first did not; another vendor's does. A further finder that fails is a
note, never a failed stage.
"""

from dataclasses import replace

from app.domain.model_call import Provider
from app.domain.review import ReviewContext
from app.errors import QuorumError
from app.llm.client import Completion, RoutingRequest
from app.stages.asking import Question, StageContext, StageQueue
from app.stages.halves import with_finder
from app.stages.looking import ask_looking
from app.stages.questions import ChunkAnswer

NO_FURTHER_FINDER = "{vendor} could not search this change as well: {error}"


async def finder_order(
    kind: str, context: StageContext, *, exclude: tuple[Provider, ...] = ()
) -> tuple[Provider, ...]:
    """The providers in the order in which they are asked, one for each vendor; empty with one finder."""
    if context.finders < 2 or not context.allowed:
        return ()
    order = await context.models.order(
        RoutingRequest(
            kind=kind,
            tier=context.tier,
            allowed=context.allowed,
            exclude=exclude,
            routing=context.config.routing,
        )
    )
    return tuple({each.vendor: each for each in reversed(order)}.values())[::-1]


def change_for_further(change: ReviewContext, context: StageContext) -> ReviewContext:
    """The part of the change that further finders read."""
    if context.further_paths is None:
        return change
    parts = [
        tuple(file for file in chunk.files if file.path in context.further_paths) for chunk in change.chunks
    ]
    chunks = [replace(chunk, files=files) for chunk, files in zip(change.chunks, parts, strict=True) if files]
    return replace(change, chunks=tuple(chunks))


async def ask_further(
    context: StageContext,
    question: Question[ChunkAnswer],
    *,
    material: str,
    vendor: Provider,
    place: int,
    queue: StageQueue,
) -> ChunkAnswer:
    """Return what this vendor finds in the chunk at `place`; if it fails, a note."""
    if context.further_paths is None:  # else no other question has the same material
        await context.cache_fill.wait(vendor, place)
    try:
        looked = await ask_looking(
            context,
            question,
            material=material,
            rounds=context.finder_rounds,
            exclude=tuple(each for each in context.allowed if each.vendor is not vendor.vendor),
            queue=queue,
        )
    except QuorumError as error:
        return ChunkAnswer(notes=(NO_FURTHER_FINDER.format(vendor=vendor, error=error),))
    found: Completion[ChunkAnswer] = looked.completion
    return replace(with_finder(found), looked_up=looked.looked_up)
