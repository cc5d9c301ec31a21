"""The settings that apply to each file of a change: the repository's, and what `overrides` say about its path."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from app.domain.configuration import Gate, PathInstruction, Profile, RepositoryConfig
from app.domain.finding import Severity, Stage

_STRICTNESS = (Gate.OFF, Gate.CRITICAL, Gate.HIGH, Gate.MEDIUM)


def strictest(gates: Collection[Gate]) -> Gate:
    """Return the gate that the least severe finding fails; off for none."""
    return max(gates, key=_STRICTNESS.index, default=Gate.OFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRules:
    """The settings of one file."""

    profile: Profile = Profile.NORMAL
    min_severity: Severity = Severity.INFO
    stages: tuple[Stage, ...] = tuple(Stage)
    gate: Gate = Gate.OFF
    instructions: PathInstruction | None = None  # of an override

    def is_failed_by(self, severity: Severity) -> bool:
        """Whether a finding of this severity in the file fails its gate."""
        return self.gate is not Gate.OFF and severity.at_least(Severity(self.gate.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRules:
    """The settings of every file of a change; `by_path` is empty if the configuration has no overrides."""

    default: FileRules = FileRules()
    by_path: Mapping[str, FileRules] = field(default_factory=dict[str, FileRules])

    def of(self, path: str) -> FileRules:
        """Return the settings of a file."""
        return self.by_path.get(path, self.default)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that the repository or a file of the change wants."""
        wanted = {*self.default.stages, *(stage for each in self.by_path.values() for stage in each.stages)}
        return tuple(stage for stage in Stage if stage in wanted)

    def left_out(self, stage: Stage) -> tuple[str, ...]:
        """Return the files that an override leaves out of the stage; none if the stage is disabled."""
        if stage not in self.stages:
            return ()
        return tuple(path for path, rules in self.by_path.items() if stage not in rules.stages)

    def gate(self, stage: Stage | None = None, paths: Collection[str] | None = None) -> Gate:
        """Return the strictest gate of these files, or of all, that the stage reads."""
        if not self.by_path:
            return self.default.gate
        chosen = self.by_path if paths is None else paths
        return strictest(
            [self.of(path).gate for path in chosen if stage is None or stage in self.of(path).stages]
        )


def rules_without_overrides(config: RepositoryConfig) -> ChangeRules:
    """Return the repository's own settings for every file."""
    return ChangeRules(
        default=FileRules(
            profile=config.profile,
            min_severity=config.min_severity,
            stages=config.stages,
            gate=config.gate,
        )
    )


def strictest_gate(config: RepositoryConfig) -> Gate:
    """Return the strictest gate of any file, for a change whose files are unknown."""
    return strictest([config.gate, *(each.gate for each in config.overrides if each.gate)])


def all_stages(config: RepositoryConfig) -> tuple[Stage, ...]:
    """Return the stages that may read any file, for a change whose files are unknown."""
    wanted = {*config.stages, *(stage for each in config.overrides for stage in each.stages or ())}
    return tuple(stage for stage in Stage if stage in wanted)
