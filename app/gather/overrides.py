"""Which settings apply to a file: those of the most specific of the `overrides` that match its path. Pure.

Each setting is looked up by itself, so an override may set only some. The most specific glob has the longest folder before
its first wildcard, then the most characters that are no wildcard; of two equal ones, the later in the file wins.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.domain.configuration import Override, PathInstruction, RepositoryConfig
from app.domain.diff import FileDiff
from app.domain.file_rules import ChangeRules, FileRules, rules_without_overrides, strictest
from app.domain.finding import Stage
from app.gather.chunks import hunk_keys, unseen
from app.gather.selection import Globs

SETTINGS = ("profile", "min_severity", "stages", "instructions", "gate")
_WILDCARD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class _Pattern:
    text: str
    globs: Globs

    @property
    def specificity(self) -> tuple[int, int]:
        anchored = "/" in self.text.rstrip("/")
        text = self.text.strip("/")
        wildcard = _WILDCARD.search(text)
        folder = text if wildcard is None else text[: wildcard.start()]
        return len(folder) if anchored else 0, len(re.sub(r"[*?]|\[[^\[\]]*\]", "", text))


@dataclass(frozen=True, slots=True)
class _Matcher:
    override: Override
    globs: Globs
    patterns: tuple[_Pattern, ...]

    def best(self, path: str) -> _Pattern | None:
        """Return the most specific pattern that matches; None if the override does not apply."""
        if not self.globs.matches(path):
            return None
        matching = [each for each in self.patterns if each.globs.matches(path)]
        return max(matching, key=lambda each: each.specificity, default=None)


class _Overrides:
    def __init__(self, config: RepositoryConfig) -> None:
        self._config = config
        self._default = rules_without_overrides(config).default
        self._matchers = [
            _Matcher(
                override,
                Globs(override.paths),
                tuple(_Pattern(text, Globs([text])) for text in override.paths if not text.startswith("!")),
            )
            for override in config.overrides
        ]

    def matching(self, path: str) -> list[tuple[str, Override]]:
        """Return the overrides of this path with the pattern that matches, the most specific last."""
        found = [(pattern, each.override) for each in self._matchers if (pattern := each.best(path))]
        found.sort(key=lambda each: each[0].specificity)  # stable: of two equal ones the later wins
        return [(pattern.text, override) for pattern, override in found]

    def rules_of(self, path: str) -> FileRules:
        rules = self._default
        for pattern, each in self.matching(path):
            instructions = PathInstruction(path=pattern, instructions=each.instructions or "")
            rules = FileRules(
                profile=each.profile or rules.profile,
                min_severity=each.min_severity or rules.min_severity,
                stages=each.stages or rules.stages,
                gate=each.gate or rules.gate,
                instructions=instructions if each.instructions else rules.instructions,
            )
        return rules


def change_rules(config: RepositoryConfig, files: Sequence[FileDiff]) -> ChangeRules:
    """Return the settings of each changed file. A renamed file keeps the stricter gate and the stages of both paths."""
    if not config.overrides:
        return rules_without_overrides(config)
    overrides = _Overrides(config)
    by_path: dict[str, FileRules] = {}
    for file in files:
        rules = overrides.rules_of(file.path)
        by_path[file.path] = (
            _joined(rules, overrides.rules_of(file.previous_path)) if file.previous_path else rules
        )
    return ChangeRules(default=rules_without_overrides(config).default, by_path=by_path)


def _joined(rules: FileRules, before: FileRules) -> FileRules:
    stages = {*rules.stages, *before.stages}
    return FileRules(
        profile=rules.profile,
        min_severity=rules.min_severity,
        stages=tuple(stage for stage in Stage if stage in stages),
        gate=strictest([rules.gate, before.gate]),
        instructions=rules.instructions,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PathExplanation:
    """The settings of one path, and the pattern of the override that decides each; None: no override does."""

    path: str
    rules: FileRules
    patterns: Mapping[str, str]
    is_ignored: bool
    instructions: tuple[PathInstruction, ...]  # of `path_instructions`


def explain_path(config: RepositoryConfig, path: str) -> PathExplanation:
    """Return what the configuration says about a path, in the change or not."""
    overrides = _Overrides(config)
    return PathExplanation(
        path=path,
        rules=overrides.rules_of(path),
        patterns={
            name: pattern
            for pattern, each in overrides.matching(path)
            for name in SETTINGS
            if getattr(each, name) is not None
        },
        is_ignored=Globs(config.ignore_paths).matches(path),
        instructions=tuple(each for each in config.path_instructions if Globs([each.path]).matches(path)),
    )


def hunk_keys_under(rules: ChangeRules, files: Sequence[FileDiff]) -> tuple[str, ...]:
    """Return the keys of all hunks; those of files that a stage does not read name the stages that do."""
    return tuple(f"{key}{_mark(rules, file)}" for file in files for key in hunk_keys([file]))


def unseen_under(
    rules: ChangeRules, files: Sequence[FileDiff], seen: Collection[str]
) -> tuple[FileDiff, ...]:
    """Return what no earlier review read with the same stages, so that a stage that an override adds reads it."""
    if not seen or not rules.by_path:
        return unseen(files, seen)
    return tuple(part for file in files for part in unseen([file], _seen_with(_mark(rules, file), seen)))


def _mark(rules: ChangeRules, file: FileDiff) -> str:
    stages = rules.of(file.path).stages
    return "" if set(rules.stages) <= set(stages) else f":{'+'.join(stages)}"


def _seen_with(mark: str, seen: Collection[str]) -> set[str]:
    return {key.removesuffix(mark) for key in seen if key.endswith(mark)} | {
        ""
    }  # never empty, which means the first review
