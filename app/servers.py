"""Read the operator's file of named OpenAI-compatible servers: gateways, clouds and machines, one entry each.

Every mistake is a sentence that names the entry and the key, never a key's value.
"""

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from app.domain.configuration import NAMED_SERVERS, PROVIDER_NAMES
from app.domain.model_call import NAME_PATTERN, Provider
from app.errors import ConfigurationError, YamlRejected
from app.gather.strict_yaml import YamlLimits, parse_mapping

LIMITS = YamlLimits(max_bytes=262_144, max_depth=12)
VARIABLE = "QUORUM_SERVERS_FILE"

_Name = Annotated[str, StringConstraints(pattern=rf"^{NAME_PATTERN}$")]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
_Usd = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
_FAMILY = re.compile(r"(?:^|[/.:])(?:(claude)-|(gpt|chatgpt|o[134])(?:-|$)|(gemini)-)", re.IGNORECASE)


class ServerPrices(BaseModel):
    """Prices in USD per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: _Usd
    cached_input: _Usd | None = None
    output: _Usd


class NamedServer(BaseModel):
    """One entry of the file. `vendor` is who made the model, so that one vendor's model never confirms itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: _Name
    vendor: _Name
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@/]+[^\s?#@]*$")]
    model: _Text
    small_model: _Text | None = None
    api_key_env: _Text | None = None
    api_key_file: Path | None = None
    api_key_header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$")] | None = None
    prices: ServerPrices | None = None
    context_tokens: Annotated[int, Field(ge=2_048, le=100_000_000)] | None = None
    calls_at_once: Annotated[int, Field(ge=1, le=1_000)] | None = None
    stream: bool = False
    query: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] = Field(default_factory=dict)
    api_key: SecretStr | None = Field(None, init=False, exclude=True)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.name in PROVIDER_NAMES:
            raise ValueError(f"`{self.name}` is not a name for a server")
        if self.vendor in (Provider.ANALYZERS, NAMED_SERVERS):
            raise ValueError(f"`{self.vendor}` is not a vendor")
        if self.api_key_env and self.api_key_file:
            raise ValueError("set `api_key_env` or `api_key_file`, not both")
        for model in (self.model, self.small_model or ""):
            maker = family_of(model)
            if maker and maker != self.vendor:
                raise ValueError(f"`{model}` is a model of the vendor `{maker}`, not `{self.vendor}`")
        return self

    @property
    def provider(self) -> Provider:
        """Its name in reports, metrics and the database."""
        return Provider(f"{self.vendor}@{self.name}")

    @property
    def models(self) -> tuple[str, str]:
        """The model, and the model for small work."""
        return self.model, self.small_model or self.model


def family_of(model: str) -> str | None:
    """Return the vendor that a model's name tells, such as `claude` for `anthropic/claude-…`; None if it tells none."""
    match = _FAMILY.search(model)
    return None if match is None else "claude" if match[1] else "gpt" if match[2] else "gemini"


def load_servers(path: Path, environ: Mapping[str, str]) -> tuple[NamedServer, ...]:
    """Read the file; `environ` has the keys that entries name.

    Raises:
        ConfigurationError: one sentence for each mistake.
    """
    if not path.is_absolute():  # `quorum review` runs inside checkouts that nobody vouches for
        raise ConfigurationError(f"{VARIABLE} must be an absolute path.")
    try:
        values, _ = parse_mapping(path.read_bytes(), LIMITS)
    except OSError as error:
        raise ConfigurationError(f"{VARIABLE} cannot be read: {error.strerror}.") from error
    except YamlRejected as error:
        raise ConfigurationError(f"{VARIABLE} cannot be used because {error}.") from error
    entries: object = values.get("servers")
    if set(values) != {"servers"} or not isinstance(entries, list):
        raise ConfigurationError(f"{VARIABLE} must have one key, `servers`, with a list of entries.")
    read = [_read(number, each) for number, each in enumerate(cast("list[object]", entries), 1)]
    servers = [each for each in read if isinstance(each, NamedServer)]
    problems = [each for each in read if isinstance(each, str)]
    keyed: list[NamedServer] = []
    for server in servers:
        key = _key_of(server, path.parent, environ)
        if isinstance(key, str):
            problems.append(f"{server.name}: {key}")
        keyed.append(server.model_copy(update={"api_key": None if isinstance(key, str) else key}))
    problems += _conflicts(servers)
    if problems:
        raise ConfigurationError(" ".join(f"{VARIABLE}, {problem}." for problem in problems))
    return tuple(keyed)


def _read(number: int, entry: object) -> NamedServer | str:
    if not isinstance(entry, dict):
        return f"entry {number}: it is not a mapping of keys to values"
    values = cast("dict[str, object]", entry)
    name = values.get("name")
    where = name if isinstance(name, str) and re.fullmatch(NAME_PATTERN, name) else f"entry {number}"
    try:
        return NamedServer.model_validate({key: value for key, value in values.items() if value is not None})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
    key = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no key `{key[:60]}`{_closest(key)}"
    wrong = problem["msg"].removeprefix("Value error, ")
    return f"{where}: `{key}`: {wrong[:1].lower()}{wrong[1:]}" if key else f"{where}: {wrong}"


def _closest(key: str) -> str:
    known = [name for name in NamedServer.model_fields if name != "api_key"]
    close = difflib.get_close_matches(key.rpartition(".")[2], known, n=1, cutoff=0.5)
    return f" (did you mean `{close[0]}`?)" if close else ""


def _key_of(server: NamedServer, folder: Path, environ: Mapping[str, str]) -> SecretStr | str | None:
    """Return the key, None if the entry has none, or what is wrong."""
    if server.api_key_env:
        value = environ.get(server.api_key_env, "").strip()
        return SecretStr(value) if value else f"the variable {server.api_key_env} (`api_key_env`) is not set"
    if server.api_key_file is None:
        return None
    try:
        value = (folder / server.api_key_file.expanduser()).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        return f"`api_key_file` cannot be read: {reason}"
    return SecretStr(value) if value else "`api_key_file` is empty"


def _conflicts(servers: Sequence[NamedServer]) -> list[str]:
    """Return what two entries contradict each other about: a name, or who made a model."""
    names = Counter(server.name for server in servers)
    problems = [f"{name}: {count} entries have this name" for name, count in names.items() if count > 1]
    makers: dict[str, str] = {}
    for server in servers:
        for model in dict.fromkeys(server.models):
            bare = model.rpartition("/")[2].lower()
            known = makers.setdefault(bare, server.vendor)
            if known != server.vendor:
                problems.append(f"{server.name}: another entry says that `{known}` made `{bare}`")
    return problems
