"""The answer to `/config PATH`: the settings of one file, and what decides each."""

from collections.abc import Mapping, Sequence

from app.domain.configuration import PathInstruction
from app.domain.file_rules import FileRules
from app.publish.blocks import code_span, table
from app.publish.replies import render_reply
from app.publish.text import Redact


def render_path_config(
    rules: FileRules,
    *,
    path: str,
    origins: Mapping[str, str],
    patterns: Mapping[str, str],
    is_ignored: bool,
    instructions: Sequence[PathInstruction],
    key: str,
    redact: Redact,
) -> str:
    """The settings of a file.

    Args:
        origins: the source of each key of the configuration.
        patterns: for each setting that an override decides, the glob that matches.
    """
    values = {
        "profile": rules.profile.value,
        "min_severity": rules.min_severity.value,
        "stages": ", ".join(stage.value for stage in rules.stages),
        "gate": rules.gate.value,
        "instructions": rules.instructions.instructions if rules.instructions else "",
    }
    rows: list[tuple[str, ...]] = [
        (
            code_span(name),
            code_span(" ".join(redact(value).split())[:300]) or "none",
            f"`overrides`, {code_span(patterns[name])}" if name in patterns else origins.get(name, "default"),
        )
        for name, value in values.items()
    ]
    rows += [
        (
            "`path_instructions`",
            code_span(" ".join(redact(each.instructions).split())[:300]),
            f"{origins.get('path_instructions', 'default')}, {code_span(each.path)}",
        )
        for each in instructions
    ]
    ignored = "`ignore_paths` leaves this file out: no model reads it." if is_ignored else ""
    return render_reply(
        f"Configuration of {code_span(redact(path)[:300])} from the base branch:",
        table(("Setting", "Value", "Source"), rows),
        ignored,
        key=key,
        redact=redact,
    )
