"""Reads a change once and makes of it everything the later stations see: configuration, files, chunks, context.

The only station that asks the `Source` for contents. Never asks a model and never decides what is worth saying.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.analysis import ChangedFile
from app.domain.configuration import Budget, ConfigurationProblem, RepositoryConfig
from app.domain.diff import FileDiff, FileStatus, Side
from app.domain.finding import Finding
from app.domain.pull_request import Snapshot, Source
from app.domain.review import Chunk, Coverage, Omission, ReviewContext
from app.gather.chunks import split_into_chunks
from app.gather.configuration import CONFIGURATION_PATH, Configuration, parse_configuration
from app.gather.context import LIMITS, NO_CONTEXT, ContextLimits, find_context
from app.gather.eligibility import NOT_A_DEPENDENCY, is_dependency_file
from app.gather.globs import Globs
from app.gather.guidelines import choose_guidelines, folder_candidates
from app.gather.images import fetch_images
from app.gather.incremental import hunk_keys, unseen
from app.gather.risk import ChangeFacts, TierThresholds, measure_change, tier_of
from app.gather.selection import (
    MAX_LINE_CHARACTERS,
    Selection,
    is_lock_file,
    is_marked_generated,
    select_files,
)
from app.gather.texts import Texts

MAX_READS_AT_ONCE = 32
MAX_PATHS_SAID = 8  # in one note
DEFAULT_GUIDELINES = RepositoryConfig().guidelines
BASE_PATHS = (CONFIGURATION_PATH, *DEFAULT_GUIDELINES)  # what a snapshot brings of the base ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Everything about one head.

    `changed_files` are the analysers' input: the reviewed files and the lock files. `coverage` counts every changed
    file once.
    """

    snapshot: Snapshot
    context: ReviewContext
    configuration: Configuration
    changed_files: tuple[ChangedFile, ...]
    coverage: Coverage
    facts: ChangeFacts
    tier: str
    hunk_keys: tuple[str, ...]  # of what was read now or before: `seen` of the next review

    @property
    def config(self) -> RepositoryConfig:
        """The effective configuration."""
        return self.configuration.config

    @property
    def problems(self) -> tuple[ConfigurationProblem, ...]:
        """What is wrong in the configuration files."""
        return self.configuration.problems

    @property
    def notes(self) -> tuple[str, ...]:
        """For the report: what was shown, what could not be read."""
        return self.context.notes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contents:
    heads: Mapping[str, bytes]
    bases: Mapping[str, bytes]

    def texts(self, files: Sequence[FileDiff]) -> Texts:
        shown = {file.path for file in files}
        return Texts.of(
            heads={path: raw.decode("utf-8", "replace") for path, raw in self.heads.items() if path in shown},
            bases={path: raw.decode("utf-8", "replace") for path, raw in self.bases.items() if path in shown},
        )


async def gather(
    source: Source,
    *,
    organisation_default: bytes | None = None,
    operator_budget: Budget = Budget(),  # noqa: B008 - a frozen value
    thresholds: TierThresholds = TierThresholds(),  # noqa: B008 - a frozen value
    chunk_tokens: int = 40_000,
    earlier_findings: Sequence[Finding] = (),
    seen: Collection[str] = (),
    configuration: bytes | None = None,
    for_models: bool = True,
    dependencies_only: bool = False,
) -> Gathered:
    """Read the change and what the base ref says of it.

    Args:
        seen: `hunk_keys` of earlier reviews of this pull request: the chunks leave those hunks out.
        for_models: False where no model is asked: then no context and no further guidelines are looked for.
        dependencies_only: read nothing but manifests and lock files; the other files are omitted with that reason.
        configuration: takes the place of the base ref's file (`quorum review --config`).

    Raises:
        GitHubError, InputError: the change itself cannot be read.
    """
    snapshot = await source.snapshot(BASE_PATHS)
    settled = parse_configuration(
        configuration if configuration is not None else snapshot.base_files.get(CONFIGURATION_PATH),
        organisation=organisation_default,
        operator_budget=operator_budget,
    )
    ignored = Globs(settled.config.ignore_paths)
    selection = select_files(snapshot.diff.files, ignored=ignored)
    if dependencies_only:
        selection = _leaving_out(
            selection, lambda path: not is_dependency_file(path), reason=NOT_A_DEPENDENCY
        )
    contents, found = await asyncio.gather(  # at once: so one request brings all that a small change needs
        _fetch_contents(source, [*selection.reviewed, *_lock_files(snapshot, ignored)]),
        _find_guidelines(
            source,
            snapshot,
            settled.config,
            folders=_folder_guidelines(selection, settled.config, thresholds, seen) if for_models else None,
        ),
    )
    selection = _without_generated(selection, contents)
    facts = measure_change(selection.reviewed)
    tier = tier_of(facts, thresholds)
    fresh = unseen(selection.reviewed, seen)
    limits = LIMITS[tier] if for_models else NO_CONTEXT
    chunks = await _chunks(source, fresh, contents, settled.config, limits, chunk_tokens)
    images = await fetch_images(source, selection.omitted, snapshot.diff.files) if for_models else ()
    context = ReviewContext(
        pull_request=snapshot.pull_request,
        diff=snapshot.diff,
        chunks=chunks,
        guidelines=choose_guidelines(found, settled.config.guidelines, tier=tier),
        earlier_findings=tuple(earlier_findings),
        images=images,
    )
    return Gathered(
        snapshot=snapshot,
        context=replace(context, notes=(*snapshot.notes, *_notes(context, ignored))),
        configuration=settled,
        changed_files=_changed_files(snapshot, selection, contents, ignored),
        coverage=Coverage(
            files=len(snapshot.diff.files), reviewed=len(selection.reviewed), omitted=selection.omitted
        ),
        facts=facts,
        tier=tier,
        hunk_keys=hunk_keys(selection.reviewed),
    )


def _lock_files(snapshot: Snapshot, ignored: Globs) -> list[FileDiff]:
    return [
        file for file in snapshot.diff.files if is_lock_file(file.path) and not ignored.matches(file.path)
    ]


async def _fetch_contents(source: Source, files: Sequence[FileDiff]) -> _Contents:
    room = asyncio.Semaphore(MAX_READS_AT_ONCE)

    async def fetch(file: FileDiff, side: Side) -> bytes | None:
        path = file.previous_path or file.path if side is Side.LEFT else file.path
        async with room:
            return await source.blob(path, side)

    left = [file for file in files if file.status is not FileStatus.ADDED]
    right = [file for file in files if file.status is not FileStatus.REMOVED]
    bases, heads = await asyncio.gather(
        asyncio.gather(*(fetch(file, Side.LEFT) for file in left)),
        asyncio.gather(*(fetch(file, Side.RIGHT) for file in right)),
    )
    return _Contents(
        heads={file.path: raw for file, raw in zip(right, heads, strict=True) if raw is not None},
        bases={file.path: raw for file, raw in zip(left, bases, strict=True) if raw is not None},
    )


def _without_generated(selection: Selection, contents: _Contents) -> Selection:
    """Files that said before this change that they are generated are left out too."""
    generated = {
        file.path for file in selection.reviewed if is_marked_generated(contents.bases.get(file.path))
    }
    return _leaving_out(selection, generated.__contains__, reason="generated")


def _leaving_out(selection: Selection, unwanted: Callable[[str], bool], *, reason: str) -> Selection:
    omitted = [Omission(path=file.path, reason=reason) for file in selection.reviewed if unwanted(file.path)]
    return Selection(
        reviewed=tuple(file for file in selection.reviewed if not unwanted(file.path)),
        omitted=(*selection.omitted, *omitted),
    )


async def _chunks(
    source: Source,
    files: Sequence[FileDiff],
    contents: _Contents,
    config: RepositoryConfig,
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
            instructions=tuple(
                instruction
                for instruction in config.path_instructions
                if any(map(Globs([instruction.path]).matches, (file.path for file in part)))
            ),
        )
        for part, found in zip(split, snippets, strict=True)
    )


def _folder_guidelines(
    selection: Selection, config: RepositoryConfig, thresholds: TierThresholds, seen: Collection[str]
) -> tuple[str, ...]:
    """Names that the changed files' folders could have; a trivial change is not worth a look."""
    if tier_of(measure_change(selection.reviewed), thresholds) == "trivial":
        return ()
    files = unseen(selection.reviewed, seen)
    return folder_candidates((file.path for file in files), named=config.guidelines)


async def _find_guidelines(
    source: Source, snapshot: Snapshot, config: RepositoryConfig, *, folders: Sequence[str] | None
) -> dict[str, bytes]:
    """Those that the snapshot brought and, of the merge base, other names and those of folders. None: no further ones."""
    found = {path: raw for path, raw in snapshot.base_files.items() if path in config.guidelines}
    if folders is None:
        return found
    named = [path for path in config.guidelines if path not in DEFAULT_GUIDELINES]
    paths = list(dict.fromkeys((*named, *folders)))
    raws = await asyncio.gather(*(source.blob(path, Side.LEFT) for path in paths))
    return found | {path: raw for path, raw in zip(paths, raws, strict=True) if raw is not None}


def _changed_files(
    snapshot: Snapshot, selection: Selection, contents: _Contents, ignored: Globs
) -> tuple[ChangedFile, ...]:
    return tuple(
        ChangedFile.from_diff(file, head=contents.heads.get(file.path), base=contents.bases.get(file.path))
        for file in (*selection.reviewed, *_lock_files(snapshot, ignored))
        if not file.binary
    )


def _notes(context: ReviewContext, ignored: Globs) -> list[str]:
    snippets = [snippet for chunk in context.chunks for snippet in chunk.snippets]
    notes: list[str] = []
    if snippets:
        kinds = sorted({snippet.kind.split(" ")[0] for snippet in snippets})
        paths = list(dict.fromkeys(snippet.path for snippet in snippets))
        notes.append(
            f"Shown besides the diff: {len(snippets)} pieces of code ({', '.join(kinds)}) of {_named(paths)}."
        )
    if context.guidelines:
        notes.append(f"Guidelines shown: {', '.join(each.path for each in context.guidelines)}.")
    if len(context.chunks) > 1:
        notes.append(f"The change was read in {len(context.chunks)} parts.")
    if cut := [file.path for chunk in context.chunks for file in chunk.files if _has_cut_lines(file)]:
        notes.append(
            f"Of lines over {MAX_LINE_CHARACTERS:,} characters only the start was read: {_named(cut)}."
        )
    if ignored.wrong:
        notes.append(f"These patterns in ignore_paths are not valid: {', '.join(ignored.wrong)}.")
    return notes


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - MAX_PATHS_SAID} more files" if len(paths) > MAX_PATHS_SAID else ""
    return f"{', '.join(paths[:MAX_PATHS_SAID])}{more}"


def _has_cut_lines(file: FileDiff) -> bool:
    return any(len(line.text) > MAX_LINE_CHARACTERS for hunk in file.hunks for line in hunk.lines)
