"""Parse `.github/quorum.yml` of the base ref and the organization's default. Never raises and never blocks a review.

Keys are independent: an invalid key is reported with the closest valid one, and its default applies. A repository's
budget can only lower the operator's.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal, cast

from pydantic import ValidationError

from app.domain.configuration import (
    PROVIDER_NAMES,
    Budget,
    ConfigurationProblem,
    PathInstruction,
    RepositoryConfig,
)
from app.domain.model_call import Provider
from app.domain.pull_request import Snapshot
from app.errors import YamlRejected
from app.gather.code_owners import CODE_OWNERS_PATHS
from app.gather.configuration_file import BudgetItem, ConfigurationFile, PathInstructionItem
from app.gather.override_items import closest, invalid_globs, read_overrides, said
from app.gather.strict_yaml import parse_mapping

CONFIGURATION_PATH = ".github/quorum.yml"
ORGANIZATION_PATH = "the organization's quorum.yml"

_Origin = Literal["default", "organization", "repository", "operator"]

DEFAULT_GUIDELINES = RepositoryConfig().guidelines
BASE_PATHS = (
    CONFIGURATION_PATH,
    *DEFAULT_GUIDELINES,
    *CODE_OWNERS_PATHS,
)  # that a snapshot brings from the base ref


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
        found, messages = _read_key(key, value)
        read |= found
        problems += [
            ConfigurationProblem(path=path, line=lines.get(key, 1), key=key, message=message)
            for message in (*messages, *_unknown_providers(key, found.get(key), providers))
        ]
    return read, problems


def _invalid_globs(key: str, value: object) -> list[str]:
    """Say which patterns match nothing because they are not globs; the others of the key apply."""
    if key not in ("ignore_paths", "ignore_branches", "path_instructions"):
        return []
    items = cast("tuple[str | PathInstruction, ...]", value)
    return invalid_globs(key, [item if isinstance(item, str) else item.path for item in items])


def _unknown_providers(key: str, value: object, known: Collection[str] | None) -> list[str]:
    """Say which providers nobody configured under this name; a vendor without a key is known."""
    if key != "providers" or known is None or value is None:
        return []
    unknown = [name for name in cast("tuple[str, ...]", value) if name not in known]
    return [f"There is no provider `{name}`. It is ignored.{closest(name, known)}" for name in unknown]


def _read_key(key: str, value: object) -> tuple[dict[str, Any], list[str]]:
    """Parse one key; also returns a sentence about each part that is not valid."""
    if key not in ConfigurationFile.model_fields:
        hint = closest(key, ConfigurationFile.model_fields)
        return {}, [f"There is no key `{key[:60]}`. It is ignored.{hint}"]
    if key == "overrides" and isinstance(value, list):
        overrides, messages = read_overrides(cast("list[object]", value))
        return {key: overrides}, messages
    try:
        parsed: object = getattr(ConfigurationFile.model_validate({key: value}), key)
    except ValidationError as error:
        return {}, [_explain(key, error)]
    return {key: _in_domain(parsed)}, _invalid_globs(key, _in_domain(parsed))


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
    known = BudgetItem.model_fields if key == "budget" else PathInstructionItem.model_fields
    wrong, hint = said(problem, known)
    return f"`{where[:120]}`: {wrong}. The default applies.{hint}"


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
