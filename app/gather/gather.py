"""Gather everything that the later stations see of a change: files, chunks, context, guidelines and the tier.

The only station that reads from the `Source`. Never asks a model.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from app.domain.analysis import AnalysisScope, ChangedFile
from app.domain.configuration import ConfigurationProblem, PathInstruction, RepositoryConfig
from app.domain.diff import FileDiff
from app.domain.file_rules import ChangeRules
from app.domain.finding import Finding
from app.domain.lookup_answer import LookUp
from app.domain.pull_request import Snapshot, Source
from app.domain.review import Chunk, Coverage, Omission, ReviewContext
from app.gather.binaries import read_binaries
from app.gather.chunks import split_into_chunks
from app.gather.configuration import Configuration
from app.gather.contents import Contents, fetch_contents, fetch_images, find_guidelines, folder_candidates
from app.gather.context import LIMITS, NO_CONTEXT, ContextLimits, find_context
from app.gather.guidelines import choose_guidelines
from app.gather.lookups import Lookups
from app.gather.moves import find_moves
from app.gather.overrides import change_rules, hunk_keys_under, unseen_under
from app.gather.selection import (
    IGNORED,
    LOCK_FILE,
    MAX_LINE_CHARACTERS,
    NOT_A_DEPENDENCY,
    Globs,
    Selection,
    is_dependency_file,
    is_generated,
    select_files,
)
from app.gather.tiers import ChangeFacts, TierThresholds, measure_change, tier_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Everything about one head.

    `changed_files` is the analyzers' input: every changed file that is text. `coverage` counts each changed file once.
    """

    snapshot: Snapshot
    context: ReviewContext
    configuration: Configuration
    changed_files: tuple[ChangedFile, ...]
    coverage: Coverage
    facts: ChangeFacts
    tier: str
    rules: ChangeRules
    hunk_keys: tuple[str, ...]  # of everything read now or earlier: `seen` of the next review
    cut_files: tuple[str, ...] = ()  # files with long lines, of which the model sees only the start
    invalid_patterns: tuple[str, ...] = ()  # of `ignore_paths`
    look_up: LookUp | None = None  # answers models' look-ups; None if only the change can be read

    @property
    def config(self) -> RepositoryConfig:
        """The effective configuration."""
        return self.configuration.config

    @property
    def problems(self) -> tuple[ConfigurationProblem, ...]:
        """The mistakes in the configuration files."""
        return self.configuration.problems


async def gather(
    source: Source,
    *,
    snapshot: Snapshot,
    configuration: Configuration,
    thresholds: TierThresholds = TierThresholds(),  # noqa: B008 - a frozen value
    chunk_tokens: int = 40_000,
    earlier_findings: Sequence[Finding] = (),
    seen: Collection[str] = (),
    remembered: Sequence[str] = (),
    for_models: bool = True,
    dependencies_only: bool = False,
) -> Gathered:
    """Gather what the later stations see of the change in `snapshot`.

    Args:
        source: where the snapshot comes from.
        seen: `hunk_keys` of earlier reviews of this pull request; the chunks leave those hunks out.
        remembered: the team's instructions.
        for_models: False if no model is asked; this skips context and further guidelines.
        dependencies_only: read only manifests and lock files; omit other files with that reason.

    Raises:
        GitHubError, InputError: the change cannot be read.
    """
    config = configuration.config
    ignored = Globs(config.ignore_paths)
    snapshot = replace(snapshot, diff=await read_binaries(source, snapshot.diff))
    selection = select_files(snapshot.diff.files, ignored=ignored)
    if dependencies_only:
        selection = _omit(selection, lambda path: not is_dependency_file(path), reason=NOT_A_DEPENDENCY)
    left_out = _left_out(snapshot, selection)
    rules = change_rules(config, snapshot.diff.files)
    contents, found = await asyncio.gather(  # concurrently, so that a small change needs one request
        fetch_contents(source, [*selection.reviewed, *left_out]),
        find_guidelines(
            source,
            snapshot,
            config,
            folders=_folder_guidelines(selection, config, rules, thresholds, seen) if for_models else None,
        ),
    )
    moves = find_moves(selection, contents, ignored=ignored)
    snapshot = replace(snapshot, diff=moves.diff(snapshot.diff))
    contents = moves.contents(contents)
    selection = _without_generated(moves.select(selection), contents)
    facts = measure_change(selection.reviewed)
    tier = tier_of(facts, thresholds)
    fresh = unseen_under(rules, selection.reviewed, seen)
    guidelines = choose_guidelines(
        found,
        config.guidelines,
        tier=tier,
        characters=config.guideline_characters,
        paths=[file.path for file in selection.reviewed],
    )
    limits = LIMITS[tier] if for_models else NO_CONTEXT
    chunks = await _chunks(
        source,
        fresh,
        contents=contents,
        config=config,
        rules=rules,
        limits=limits,
        chunk_tokens=chunk_tokens,
    )
    return Gathered(
        snapshot=snapshot,
        context=ReviewContext(
            pull_request=snapshot.pull_request,
            diff=snapshot.diff,
            chunks=chunks,
            guidelines=guidelines.shown,
            guideline_cuts=guidelines.cuts if for_models else (),
            earlier_findings=tuple(earlier_findings),
            images=await fetch_images(source, selection.omitted, snapshot.diff.files) if for_models else (),
            issues=snapshot.issues,
            failed_checks=snapshot.failed_checks,
            remembered=tuple(remembered),
        ),
        configuration=configuration,
        changed_files=_changed_files(snapshot, selection, contents),
        coverage=Coverage(
            files=len(snapshot.diff.files), reviewed=len(selection.reviewed), omitted=selection.omitted
        ),
        facts=facts,
        tier=tier,
        rules=rules,
        hunk_keys=hunk_keys_under(rules, selection.reviewed),
        cut_files=tuple(file.path for file in selection.reviewed if _has_cut_lines(file)),
        invalid_patterns=ignored.invalid,
        look_up=Lookups(tree).answer if (tree := source.tree()) else None,
    )


def _left_out(snapshot: Snapshot, selection: Selection) -> list[FileDiff]:
    """The files that models do not read and analyzers do; of ignored files, the analyzers see only what the diff shows."""
    reasons = {each.path: each.reason for each in selection.omitted}
    return [
        file
        for file in snapshot.diff.files
        if file.hunks and not file.binary and reasons.get(file.path, IGNORED) != IGNORED
    ]


def _without_generated(selection: Selection, contents: Contents) -> Selection:
    """Omit files that were marked as generated before this change."""
    generated = {
        file.path
        for file in selection.reviewed
        if is_generated(base=contents.bases.get(file.path), head=contents.heads.get(file.path))
    }
    return _omit(selection, generated.__contains__, reason="generated")


def _omit(selection: Selection, is_omitted: Callable[[str], bool], *, reason: str) -> Selection:
    omitted = [
        Omission(path=file.path, reason=reason) for file in selection.reviewed if is_omitted(file.path)
    ]
    return Selection(
        reviewed=tuple(file for file in selection.reviewed if not is_omitted(file.path)),
        omitted=(*selection.omitted, *omitted),
    )


async def _chunks(
    source: Source,
    files: Sequence[FileDiff],
    *,
    contents: Contents,
    config: RepositoryConfig,
    rules: ChangeRules,
    limits: ContextLimits,
    chunk_tokens: int,
) -> tuple[Chunk, ...]:
    texts = contents.texts(files if limits.tokens else ())
    split = split_into_chunks(files, chunk_tokens=chunk_tokens)
    each = ContextLimits(tokens=limits.tokens, searches=limits.searches // max(1, len(split)))
    snippets = await asyncio.gather(
        *(find_context(part, texts=texts, source=source, limits=each) for part in split)
    )
    return tuple(
        Chunk(
            files=part,
            snippets=found,
            instructions=_instructions(part, config, rules),
        )
        for part, found in zip(split, snippets, strict=True)
    )


def _instructions(
    files: Sequence[FileDiff], config: RepositoryConfig, rules: ChangeRules
) -> tuple[PathInstruction, ...]:
    """The configured instructions for these files, then those of overrides."""
    configured = [
        each
        for each in config.path_instructions
        if any(map(Globs([each.path]).matches, (file.path for file in files)))
    ]
    of_overrides = [found for file in files if (found := rules.of(file.path).instructions)]
    return tuple(dict.fromkeys([*configured, *of_overrides]))


def _folder_guidelines(
    selection: Selection,
    config: RepositoryConfig,
    rules: ChangeRules,
    thresholds: TierThresholds,
    seen: Collection[str],
) -> tuple[str, ...]:
    """List where to look for folders' guidelines; nowhere for a trivial change."""
    if tier_of(measure_change(selection.reviewed), thresholds) == "trivial":
        return ()
    files = unseen_under(rules, selection.reviewed, seen)
    return folder_candidates((file.path for file in files), named=config.guidelines)


def _changed_files(snapshot: Snapshot, selection: Selection, contents: Contents) -> tuple[ChangedFile, ...]:
    reasons = {each.path: each.reason for each in selection.omitted}
    return tuple(
        ChangedFile.from_diff(
            file,
            head=contents.heads.get(file.path),
            base=contents.bases.get(file.path),
            scope=_scope(reasons.get(file.path)),
        )
        for file in snapshot.diff.files
        if not file.binary and not file.submodule and not file.error
    )


def _scope(reason: str | None) -> AnalysisScope:
    if reason in (None, LOCK_FILE):
        return AnalysisScope.ALL
    return AnalysisScope.SECRETS if reason == IGNORED else AnalysisScope.SECURITY


def _has_cut_lines(file: FileDiff) -> bool:
    return any(len(line.text) > MAX_LINE_CHARACTERS for hunk in file.hunks for line in hunk.lines)
