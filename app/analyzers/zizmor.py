"""Runs zizmor on changed GitHub workflows and actions, offline and with no configuration of the pull request.

https://docs.zizmor.sh/audits/
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.analyzers.rules import load_rule_file
from app.analyzers.runner import run
from app.analyzers.values import Hit
from app.analyzers.workspace import Text
from app.domain.finding import Severity
from app.errors import AnalyzerFailed

TOOL = "zizmor"
_FIRST_PARTY = re.compile(r"(?:actions|github)/")
_WORKFLOW = re.compile(r"^\.github/workflows/[^/]+\.ya?ml$")


def is_workflow(path: str) -> bool:
    """Whether GitHub would run this file."""
    return _WORKFLOW.match(path) is not None


async def find_zizmor_hits(
    texts: Sequence[Text], *, directory: Path, zizmor: Path
) -> tuple[list[Hit], list[Hit]]:
    """Hits of the heads and of the bases.

    Raises:
        AnalyzerFailed: zizmor did not finish or did not answer with JSON.
    """
    workflows = [text for text in texts if is_workflow(text.path)]
    if not workflows:
        return [], []
    heads = {text.head_name: text.path for text in workflows}
    bases = {text.base_name: text.path for text in workflows if text.base is not None}
    command = [
        str(zizmor),
        "--offline",
        "--no-config",
        "--no-ignores",
        "--no-exit-codes",
        "--no-progress",
        "--format=json",
    ]
    finished = await run([*command, *heads, *bases], directory=directory)
    try:
        rows = json.loads(finished.complete())
    except ValueError as error:
        raise AnalyzerFailed("answered with something that is no JSON") from error
    return _hits(rows, heads), _hits(rows, bases)


def _hits(rows: Sequence[Mapping[str, Any]], paths: Mapping[str, str]) -> list[Hit]:
    words = load_rule_file("zizmor")
    hits: list[Hit] = []
    for row in rows:
        place = _primary(row)
        path = paths.get(place["symbolic"]["key"]["Local"]["verbatim_path"])
        if path and (said := words.get(row["ident"])) and not _is_first_party(row, place):
            hits.append(_hit(place["concrete"]["location"], path, said))
    return hits


def _is_first_party(row: Mapping[str, Any], place: Mapping[str, Any]) -> bool:
    """GitHub's own actions by their tags are what everybody uses; naming commits there is a matter of policy."""
    return row["ident"] == "unpinned-uses" and _FIRST_PARTY.search(place["concrete"]["feature"]) is not None


def _primary(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(one for one in row["locations"] if one["symbolic"]["kind"] == "Primary")


def _hit(location: Mapping[str, Any], path: str, said: Mapping[str, str]) -> Hit:
    first, last = location["start_point"]["row"] + 1, location["end_point"]["row"] + 1
    return Hit(
        path=path,
        start_line=first,
        end_line=max(first, last - (location["end_point"]["column"] == 0)),
        rule_id=said["rule"],
        severity=Severity(said["severity"]),
        title=said["title"],
        explanation=said["explanation"],
        tool=TOOL,
    )
