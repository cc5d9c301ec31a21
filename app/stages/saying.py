"""What a stage's answers say, chunk by chunk, joined to one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.finding import ComponentEdge, Document, Finding, Walkthrough

MAX_EDGES = 30  # of a diagram that a person still reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer in our words; findings have no finder yet."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    walkthrough: Walkthrough | None = None
    documents: tuple[Document, ...] = ()


def join(parts: Sequence[Said]) -> Said:
    """All parts as one, in their order."""
    return Said(
        findings=tuple(each for part in parts for each in part.findings),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        walkthrough=_join_walkthroughs([part.walkthrough for part in parts if part.walkthrough]),
        documents=tuple(each for part in parts for each in part.documents),
    )


def _join_walkthroughs(parts: Sequence[Walkthrough]) -> Walkthrough | None:
    if not parts:
        return None
    edges: dict[ComponentEdge, None] = dict.fromkeys(edge for part in parts for edge in part.edges)
    return Walkthrough(
        summary="\n\n".join(part.summary for part in parts),
        files=tuple(row for part in parts for row in part.files),
        edges=tuple(edges)[:MAX_EDGES],
    )
