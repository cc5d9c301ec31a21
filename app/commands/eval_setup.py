"""What `quorum eval` measures with: vendors with keys, recorded answers, or a folder of answers by hand."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from app.domain.configuration import Profile
from app.domain.finding import Stage
from app.domain.model_call import Provider
from app.errors import InputError
from app.evaluation.by_hand import HandClient, HandFolder
from app.evaluation.cases import DEFAULT_FOLDER, EvaluationCase
from app.evaluation.recorded import RecordedClient, Recording, RecordingClient
from app.evaluation.run import EvaluationSetup
from app.fixes.questions import SYSTEM_PROMPT as FIX_SYSTEM_PROMPT
from app.llm.build import VendorAccess
from app.llm.client import ModelClient
from app.llm.router import VendorModels
from app.main import provider_access
from app.prompting.prompts import DEFAULT_FOLDER as PROMPTS
from app.prompting.prompts import Prompts
from app.settings import Settings, load_settings
from app.stages.asking import SYSTEM_PROMPT

META = "recording.json"
KEYLESS = "No model has a key, so only the built-in analyzers reviewed."
UNANSWERABLE = "No model has a key, so nobody can answer. Set keys, or use --answers or --by-hand."


class Subject(StrEnum):
    """What is measured."""

    REVIEW = "review"
    FIX = "fix"
    VERIFIER = "verifier"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalOptions:
    """The options of the command line."""

    subject: Subject = Subject.REVIEW
    cases: tuple[str, ...] = ()
    folder: Path = DEFAULT_FOLDER
    stages: tuple[Stage, ...] = tuple(Stage)
    providers: tuple[Provider, ...] = ()
    answers: Path | None = None
    record: Path | None = None
    by_hand: Path | None = None
    profile: Profile = Profile.NORMAL
    quorum: int = 2
    finders: int = 1
    report_format: str = "text"
    out: Path | None = None
    at_once: int = 4


Finish = Callable[[], list[str]]
"""Finishes the run; returns notes for the report."""


def prepare(options: EvalOptions) -> tuple[EvaluationSetup, list[str], Finish]:
    """Return the setup that the options describe, and notes for the report.

    Raises:
        InputError, ConfigurationError: the recording, the folder or the settings cannot be used.
    """
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
    if options.by_hand:
        return _by_hand(setup, options, settings)
    access = _only(options.providers, provider_access(settings, os.environ))
    usable = {provider: each for provider, each in access.items() if each.is_usable(provider)}
    setup = replace(
        setup,
        access=usable,
        call_timeout_s=settings.quorum_call_timeout_s,
        stage_deadline_s=settings.quorum_stage_deadline_s,
    )
    notes = [] if usable else [KEYLESS]
    if not usable and options.subject is not Subject.REVIEW:
        raise InputError(UNANSWERABLE)
    if options.record and usable:
        return record(setup, options.record, notes)
    return setup, notes, list


def _by_hand(
    setup: EvaluationSetup, options: EvalOptions, settings: Settings
) -> tuple[EvaluationSetup, list[str], Finish]:
    """The setup with a folder in place of the vendors; with `--record`, its answers are recorded."""
    folder = options.by_hand or Path()
    hand = HandFolder(folder)
    vendors = (each for each in provider_access(settings, {}).items() if not each[0].is_server)
    access = {
        provider: VendorAccess(models=each.models, api_key="answered by hand") for provider, each in vendors
    }

    def wrap(case: EvaluationCase) -> Callable[[ModelClient], ModelClient]:
        del case
        return lambda client: HandClient(client.provider, hand)

    setup = replace(setup, access=_only(options.providers, access), wrap=wrap)
    setup, _, finish_recording = record(setup, options.record, []) if options.record else (setup, [], list)

    def finish() -> list[str]:
        return [*finish_recording(), f"{hand.waiting} requests in {folder} have no answer."]

    return setup, [], finish


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
        inner = setup.wrap(case) if setup.wrap else _unchanged
        return lambda client: RecordingClient(inner(client), case=case.name, recording=recording)

    def finish() -> list[str]:
        recording.save(folder)
        _keep_prompts(_with_system(recording.prompt_ids), folder / "prompts")
        _save_meta(folder, setup.access)
        return [f"{len(recording)} answers are recorded in {folder}."]

    return replace(setup, wrap=wrap), notes, finish


def _unchanged(client: ModelClient) -> ModelClient:
    return client


def _with_system(ids: frozenset[str]) -> frozenset[str]:
    """The prompts, and the system prompts that they are sent with."""
    return ids | {FIX_SYSTEM_PROMPT if id_.startswith("fix/") else SYSTEM_PROMPT for id_ in ids}


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
