"""`quorum eval`: reviews the pull requests in `evals/` and prints how many of their known defects it found.

With keys it uses real models, which costs money; without keys only the analyzers review. With `--answers` it replays recorded
answers and sends no request. It reads no `.env` and writes only the files named on the command line.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app.domain.configuration import Profile
from app.domain.finding import Stage
from app.domain.model_call import Provider
from app.errors import InputError
from app.evaluation.cases import DEFAULT_FOLDER, EvaluationCase, load_cases
from app.evaluation.recorded import RecordedClient, Recording, RecordingClient
from app.evaluation.report import render_json, render_text
from app.evaluation.run import CaseRun, EvaluationSetup, run_cases
from app.llm.build import VendorAccess
from app.llm.client import ModelClient
from app.llm.router import VendorModels
from app.main import provider_access
from app.prompting.prompts import DEFAULT_FOLDER as PROMPTS
from app.prompting.prompts import Prompts
from app.settings import load_settings
from app.stages.asking import SYSTEM_PROMPT

DONE, INCOMPLETE = 0, 3
META = "recording.json"
KEYLESS = "No model has a key, so only the built-in analyzers reviewed."


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalOptions:
    """The options of the command line."""

    cases: tuple[str, ...] = ()
    folder: Path = DEFAULT_FOLDER
    stages: tuple[Stage, ...] = tuple(Stage)
    providers: tuple[Provider, ...] = ()
    answers: Path | None = None
    record: Path | None = None
    profile: Profile = Profile.NORMAL
    quorum: int = 2
    finders: int = 1
    report_format: str = "text"
    out: Path | None = None
    at_once: int = 4


def evaluate(options: EvalOptions) -> int:
    """Run the cases, print the figures, and return the exit code.

    Raises:
        InputError, ConfigurationError: the cases, the recording or the settings cannot be read.
    """
    setup, notes, finish = _prepare(options)
    cases = load_cases(options.folder, patterns=options.cases or tuple(setup.stages_of))
    runs = asyncio.run(run_cases(cases, setup, report=_print_progress))
    notes = [*notes, *finish()]
    text = (render_json if options.report_format == "json" else render_text)(runs, notes=notes)
    sys.stdout.write(text)
    if options.out:
        options.out.write_text(render_json(runs, notes=notes), encoding="utf-8")
    return INCOMPLETE if any(run.failures for run in runs) else DONE


Finish = Callable[[], list[str]]
"""Finishes the run; returns notes for the report."""


def _prepare(options: EvalOptions) -> tuple[EvaluationSetup, list[str], Finish]:
    setup = EvaluationSetup(
        stages=options.stages,
        profile=options.profile,
        quorum=options.quorum,
        finders=options.finders,
        max_concurrent=options.at_once,
    )
    if options.answers:
        return replay(setup, options.answers, options.providers)
    settings = load_settings(env_file=None)
    access = _only(options.providers, provider_access(settings, os.environ))
    usable = {provider: each for provider, each in access.items() if each.is_usable(provider)}
    setup = replace(
        setup,
        access=usable,
        call_timeout_s=settings.quorum_call_timeout_s,
        stage_deadline_s=settings.quorum_stage_deadline_s,
    )
    notes = [] if usable else [KEYLESS]
    if options.record and usable:
        return record(setup, options.record, notes)
    return setup, notes, list


def replay(
    setup: EvaluationSetup, folder: Path, providers: tuple[Provider, ...] = ()
) -> tuple[EvaluationSetup, list[str], Finish]:
    """The setup with recorded answers in place of the vendors, with the prompts and stages of the recording."""
    recording, (note, models) = Recording.load(folder), _load_meta(folder)

    def wrap(case: EvaluationCase) -> Callable[[ModelClient], ModelClient]:
        return lambda client: RecordedClient(client.provider, case=case.name, recording=recording)

    def finish() -> list[str]:
        drifted = recording.drifted
        return (
            [f"{drifted} answers were recorded for the same question about older material."]
            if drifted
            else []
        )

    access = {provider: VendorAccess(models=each, api_key="recorded") for provider, each in models.items()}
    replayed = replace(
        setup,
        access=_only(providers, access),
        stages_of=recording.stages,
        prompts=Prompts(folder / "prompts", are_recorded=True),
        wrap=wrap,
    )
    return replayed, [f"Recorded answers of {folder.name}: {note}"], finish


def record(
    setup: EvaluationSetup, folder: Path, notes: list[str]
) -> tuple[EvaluationSetup, list[str], Finish]:
    """The setup with a recorder in front of each vendor; `finish` writes the recording and the prompts to the folder."""
    recording = Recording.load(folder) if (folder / META).exists() else Recording()

    def wrap(case: EvaluationCase) -> Callable[[ModelClient], ModelClient]:
        return lambda client: RecordingClient(client, case=case.name, recording=recording)

    def finish() -> list[str]:
        recording.save(folder)
        _keep_prompts(recording.prompt_ids | {SYSTEM_PROMPT}, folder / "prompts")
        _save_meta(folder, setup.access)
        return [f"{len(recording)} answers are recorded in {folder}."]

    return replace(setup, wrap=wrap), notes, finish


def _keep_prompts(ids: frozenset[str], folder: Path) -> None:
    for id_ in ids:
        path = folder / f"{id_}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROMPTS / f"{id_}.md", path)


def _load_meta(folder: Path) -> tuple[str, dict[Provider, VendorModels]]:
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        models = {Provider(name): VendorModels(**each) for name, each in meta["models"].items()}
        return str(meta["note"]), models
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / META} does not describe a recording.") from error


def _save_meta(folder: Path, access: Mapping[Provider, VendorAccess]) -> None:
    path = folder / META
    note = _load_meta(folder)[0] if path.exists() else "write here who answered, and when."
    models = {
        provider.value: {"large": each.models.large, "small": each.models.small}
        for provider, each in access.items()
    }
    path.write_text(json.dumps({"note": note, "models": models}, indent=2) + "\n", encoding="utf-8")


def _only(
    providers: tuple[Provider, ...], access: Mapping[Provider, VendorAccess]
) -> dict[Provider, VendorAccess]:
    return {provider: each for provider, each in access.items() if not providers or provider in providers}


def _print_progress(run: CaseRun) -> None:
    """Print progress to stderr, so that stdout contains only the figures."""
    state = "; ".join(run.failures) or f"{len(run.report.findings)} findings"
    sys.stderr.write(f"{run.case.name:<36} {state}\n")
