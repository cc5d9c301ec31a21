"""Parse `.github/quorum.yml` of the base ref and the organization's default. Never raises and never blocks a review.

Keys are independent: an invalid key is reported with the closest valid one, and its default applies. A repository's
budget can only lower the operator's.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.domain.configuration import (
    PROVIDER_NAMES,
    Budget,
    ConfigurationProblem,
    Gate,
    PathInstruction,
    Pipeline,
    Profile,
    Publish,
    RepositoryConfig,
    Routing,
)
from app.domain.finding import Severity, Stage
from app.domain.model_call import NAME_PATTERN, Provider
from app.domain.pull_request import Snapshot
from app.errors import YamlRejected
from app.gather.selection import Globs
from app.gather.strict_yaml import parse_mapping

CONFIGURATION_PATH = ".github/quorum.yml"
ORGANIZATION_PATH = "the organization's quorum.yml"

MAX_PATTERNS = 100
_Pattern = Annotated[str, StringConstraints(min_length=1, max_length=256)]
_Patterns = Annotated[tuple[_Pattern, ...], Field(max_length=MAX_PATTERNS)]
_ProviderName = Annotated[str, StringConstraints(pattern=rf"^{NAME_PATTERN}$")]
_Usd = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
_Origin = Literal["default", "organization", "repository", "operator"]

_D = RepositoryConfig()
DEFAULT_GUIDELINES = _D.guidelines
BASE_PATHS = (CONFIGURATION_PATH, *DEFAULT_GUIDELINES)  # the files that a snapshot brings from the base ref


class PathInstructionItem(BaseModel):
    """Instructions for files that match a glob."""

    model_config = ConfigDict(extra="forbid")

    path: _Pattern
    instructions: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]


class BudgetItem(BaseModel):
    """Upper limits in USD; they can only lower the operator's limits."""

    model_config = ConfigDict(extra="forbid")

    review_usd: _Usd | None = Field(default=None, description="Limit per review.")
    pull_request_day_usd: _Usd | None = Field(default=None, description="Limit per pull request and day.")
    repository_month_usd: _Usd | None = Field(
        default=None, description="Limit per month for this repository."
    )


class ConfigurationFile(BaseModel):
    """`.github/quorum.yml`: how Quorum reviews this repository. No key is required."""

    model_config = ConfigDict(extra="forbid", title="Quorum configuration")

    enabled: bool = Field(_D.enabled, description="If false, Quorum reviews no pull requests.")
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)] = Field(_D.stages, description="Stages to run.")
    providers: tuple[_ProviderName, ...] = Field(
        _D.providers,
        description="Vendors and servers that may see the code; `servers`: all named ones. `analyzers` only: no model.",
    )
    pipeline: Pipeline = Field(
        _D.pipeline, description="Run all stages in parallel, or docs last with the others' findings."
    )
    routing: Routing = Field(_D.routing, description="Order of the vendors: fixed or learned.")
    quorum: Literal[1, 2, 3] = Field(
        2, description="How many vendors must agree on a finding; 1 turns verification off."
    )
    publish: Publish = Field(
        _D.publish, description="What to publish. `shadow`: dashboard and check runs only."
    )
    profile: Profile = Field(_D.profile, description="How many inline comments to write.")
    gate: Gate = Field(_D.gate, description="The lowest severity that fails the check run.")
    min_severity: Severity = Field(_D.min_severity, description="Hide findings below this severity.")
    max_inline: Annotated[int, Field(ge=0, le=100)] | None = Field(
        _D.max_inline,
        description="Maximum number of inline comments per review. If unset, the profile decides.",
    )
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9 ()-]{1,34}$")] = Field(
        _D.language, description="Language of all text, as a tag (de) or a name (German)."
    )
    tone: Annotated[str, StringConstraints(max_length=300)] = Field(
        _D.tone, description="Tone of the comments."
    )
    ignore_paths: _Patterns = Field(
        _D.ignore_paths, description="Files not to review, as globs like in .gitignore."
    )
    path_instructions: Annotated[tuple[PathInstructionItem, ...], Field(max_length=50)] = Field(
        (), description="Instructions for files that match a glob."
    )
    ignore_authors: _Patterns = Field(
        _D.ignore_authors, description="Authors whose pull requests are not reviewed."
    )
    ignore_labels: _Patterns = Field(
        _D.ignore_labels, description="Labels of pull requests that are not reviewed."
    )
    ignore_branches: _Patterns = Field(
        _D.ignore_branches, description="Head branches that are not reviewed, as globs."
    )
    ignore_titles: _Patterns = Field(
        _D.ignore_titles, description="Pull requests with these words in the title are not reviewed."
    )
    drafts: bool = Field(_D.drafts, description="If true, Quorum also reviews drafts.")
    review_on_push: bool = Field(_D.review_on_push, description="If false, a push starts no review.")
    guidelines: Annotated[tuple[_Pattern, ...], Field(max_length=20)] = Field(
        _D.guidelines, description="Files at the base ref that describe the team's conventions."
    )
    guideline_characters: Annotated[int, Field(ge=500, le=40_000)] = Field(
        _D.guideline_characters,
        description="Characters of one guideline that models see; sections about the changed paths come first.",
    )
    docs_format: Literal["markdown", "openapi", "html"] = Field(
        "markdown", description="Format of the API documentation."
    )
    budget: BudgetItem = Field(default=BudgetItem(), description="Spending limits in USD.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The effective configuration, the mistakes in the files, and the origin of each value."""

    config: RepositoryConfig
    problems: tuple[ConfigurationProblem, ...]
    origins: Mapping[str, _Origin]  # by key


def parse_configuration(
    repository: bytes | None,
    *,
    organization: bytes | None = None,
    operator_budget: Budget = Budget(),  # noqa: B008 - a frozen value
    configured: Iterable[Provider] | None = None,
) -> Configuration:
    """Combine the repository's file, the organization's and the defaults, in this order; None for a missing file.

    `configured` are the operator's providers; None if they are not known here.
    """
    names = None if configured is None else PROVIDER_NAMES | {each.server for each in configured}
    default, wrong_default = _read(organization, ORGANIZATION_PATH, names)
    own, wrong_own = _read(repository, CONFIGURATION_PATH, names)
    budget, lowered = _lowered(operator_budget, default.pop("budget", None), own.pop("budget", None))
    origins: dict[str, _Origin] = {field.name: "default" for field in fields(RepositoryConfig)}
    origins.update(dict.fromkeys(default, "organization"))
    origins.update(dict.fromkeys(own, "repository"))
    if budget != Budget():
        origins["budget"] = "operator" if budget == operator_budget else lowered
    return Configuration(
        config=RepositoryConfig(**(default | own), budget=budget),
        problems=(*wrong_default, *wrong_own),
        origins=MappingProxyType(origins),
    )


def read_configuration(
    snapshot: Snapshot,
    *,
    organization: bytes | None = None,
    operator_budget: Budget = Budget(),  # noqa: B008 - a frozen value
    override: bytes | None = None,
    configured: Iterable[Provider] | None = None,
) -> Configuration:
    """Parse the configuration of a snapshot's base ref; `override` replaces the file (`quorum review --config`)."""
    return parse_configuration(
        override if override is not None else snapshot.base_files.get(CONFIGURATION_PATH),
        organization=organization,
        operator_budget=operator_budget,
        configured=configured,
    )


def configuration_schema() -> dict[str, Any]:
    """Return the JSON Schema published as docs/quorum.schema.json."""
    schema = ConfigurationFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _read(
    raw: bytes | None, path: str, providers: Collection[str] | None
) -> tuple[dict[str, Any], list[ConfigurationProblem]]:
    if raw is None:
        return {}, []
    try:
        values, lines = parse_mapping(raw)
    except YamlRejected as error:
        message = f"The file is ignored because {error}. Defaults apply."
        return {}, [ConfigurationProblem(path=path, line=1, key=None, message=message)]
    read: dict[str, Any] = {}
    problems: list[ConfigurationProblem] = []
    for key, value in values.items():
        if value is None:
            continue
        outcome = _read_key(key, value)
        if isinstance(outcome, str):
            problems.append(ConfigurationProblem(path=path, line=lines.get(key, 1), key=key, message=outcome))
        else:
            read |= outcome
            problems += [
                ConfigurationProblem(path=path, line=lines.get(key, 1), key=key, message=message)
                for message in (
                    *_invalid_globs(key, outcome[key]),
                    *_unknown_providers(key, outcome[key], providers),
                )
            ]
    return read, problems


def _invalid_globs(key: str, value: object) -> list[str]:
    """Say which patterns match nothing because they are not globs; the others of the key apply."""
    is_globs = key in ("ignore_paths", "ignore_branches", "path_instructions")
    items = cast("tuple[str | PathInstruction, ...]", value) if is_globs else ()
    globs = Globs(item if isinstance(item, str) else item.path for item in items)
    return [
        f"`{key}`: `{pattern[:60]}` is not a glob as in .gitignore. It is ignored."
        for pattern in globs.invalid
    ]


def _unknown_providers(key: str, value: object, known: Collection[str] | None) -> list[str]:
    """Say which providers nobody configured under this name; a vendor without a key is known."""
    if key != "providers" or known is None:
        return []
    unknown = [name for name in cast("tuple[str, ...]", value) if name not in known]
    return [f"There is no provider `{name}`. It is ignored.{_closest(name, known)}" for name in unknown]


def _read_key(key: str, value: object) -> dict[str, Any] | str:
    """Parse one key; returns a sentence if its value is not valid."""
    if key not in ConfigurationFile.model_fields:
        return f"There is no key `{key[:60]}`. It is ignored.{_closest(key, ConfigurationFile.model_fields)}"
    try:
        parsed: object = getattr(ConfigurationFile.model_validate({key: value}), key)
    except ValidationError as error:
        return _explain(key, error)
    return {key: _in_domain(parsed)}


def _in_domain(value: object) -> object:
    if isinstance(value, BudgetItem):
        return Budget(**value.model_dump())
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        return tuple(
            PathInstruction(path=item.path, instructions=item.instructions)
            if isinstance(item, PathInstructionItem)
            else item
            for item in items
        )
    return value


def _explain(key: str, error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    wrong = (problem["msg"][:1].lower() + problem["msg"][1:]).replace("a valid tuple", "a list")
    hint = ""
    if problem["type"] == "extra_forbidden":
        known = BudgetItem.model_fields if key == "budget" else PathInstructionItem.model_fields
        wrong, hint = "unknown key", _closest(str(problem["loc"][-1]), known)
    return f"`{where[:120]}`: {wrong}. The default applies.{hint}"


def _closest(key: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.5)
    return f" Did you mean `{close[0]}`?" if close else ""


def _lowered(
    operator: Budget, organization: Budget | None, repository: Budget | None
) -> tuple[Budget, _Origin]:
    """Take the lowest value of each limit; also return who set the budget last."""
    known = [each for each in (operator, organization, repository) if each is not None]
    budget = Budget(
        review_usd=_least(each.review_usd for each in known),
        pull_request_day_usd=_least(each.pull_request_day_usd for each in known),
        repository_month_usd=_least(each.repository_month_usd for each in known),
    )
    return budget, "repository" if repository is not None else "organization"


def _least(limits: Iterable[float | None]) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)
