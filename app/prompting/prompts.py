"""Loads, checks and renders the prompts of `prompts/`, and fences untrusted text.

A prompt is a Markdown file with front matter (id, version, stage, inputs, output) and a Jinja2 body. Values are inserted
as text and never run as templates. Never asks a model and never reads a pull request.
"""

import hashlib
import hmac
import json
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml
from jinja2 import StrictUndefined, Template, TemplateRuntimeError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import ConfigurationError

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "prompts"
MAX_PROMPT_BYTES = 16_384
FENCE_DIGITS = 16

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
# Characters that a reader cannot see: bidirectional controls, tag characters, variation selectors, fillers, zero widths.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,  # prompts are plain text; untrusted text is fenced
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
)


class _FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    version: str
    stage: str
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPrompt:
    """A prompt's text, with the id and version that are recorded with its calls."""

    id: str
    version: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One checked file; `content_hash` covers all its bytes."""

    id: str
    version: str
    stage: str
    inputs: frozenset[str]
    output: str
    body: str
    content_hash: str


class Prompts:
    """All prompts of a folder, loaded once.

    Args:
        are_recorded: the prompts of a recording, which may have fewer inputs than the current code passes.

    Raises:
        ConfigurationError: a file is not a prompt, or its inputs and variables differ.
    """

    def __init__(self, folder: Path = DEFAULT_FOLDER, *, are_recorded: bool = False) -> None:
        self._are_recorded = are_recorded
        loaded = [_load(path, folder) for path in sorted(folder.rglob("*.md"))]
        self._prompts = {prompt.id: prompt for prompt, _ in loaded}
        self._templates = {prompt.id: template for prompt, template in loaded}

    def render(self, prompt_id: str, **inputs: object) -> RenderedPrompt:
        """Render the prompt with its inputs.

        Raises:
            ConfigurationError: there is no such prompt, or the inputs are not the ones it declares.
        """
        prompt = self.prompt(prompt_id)
        if self._are_recorded:
            inputs = {name: value for name, value in inputs.items() if name in prompt.inputs}
        if frozenset(inputs) != prompt.inputs:
            wrong = sorted(set(inputs) ^ prompt.inputs)
            raise ConfigurationError(f"Prompt {prompt_id}: inputs do not match: {', '.join(wrong)}.")
        try:
            text = self._templates[prompt_id].render(**inputs).strip()
        except TemplateRuntimeError as error:
            raise ConfigurationError(f"Prompt {prompt_id}: {error.message}.") from error
        return RenderedPrompt(id=prompt.id, version=prompt.version, text=text)

    def prompt(self, prompt_id: str) -> Prompt:
        """Return the prompt with this id; raises `ConfigurationError` if there is none."""
        try:
            return self._prompts[prompt_id]
        except KeyError:
            raise ConfigurationError(f"There is no prompt {prompt_id!r}.") from None

    def ids(self) -> tuple[str, ...]:
        """Return every prompt's id, sorted."""
        return tuple(sorted(self._prompts))


def _load(path: Path, folder: Path) -> tuple[Prompt, Template]:
    return _parse(path.read_bytes(), path.relative_to(folder).with_suffix("").as_posix())


@lru_cache(maxsize=256)  # evaluations and scenario tests build the program many times in one process
def _parse(raw: bytes, name: str) -> tuple[Prompt, Template]:
    matter, body = _split(raw, name)
    if matter.id != name:
        raise ConfigurationError(f"Prompt {name}: its id is {matter.id!r}.")
    used = _variables(body, name)
    if used != set(matter.inputs):
        wrong = ", ".join(sorted(used ^ set(matter.inputs)))
        raise ConfigurationError(f"Prompt {name}: inputs and variables differ: {wrong}.")
    prompt = Prompt(
        id=matter.id,
        version=matter.version,
        stage=matter.stage,
        inputs=frozenset(matter.inputs),
        output=matter.output,
        body=body,
        content_hash=hashlib.sha256(raw).hexdigest()[:16],
    )
    return prompt, _ENVIRONMENT.from_string(body)


def _variables(body: str, name: str) -> set[str]:
    try:
        return meta.find_undeclared_variables(_ENVIRONMENT.parse(body))
    except TemplateSyntaxError as error:
        raise ConfigurationError(f"Prompt {name}, line {error.lineno}: {error.message}.") from error


def _split(raw: bytes, name: str) -> tuple[_FrontMatter, str]:
    if len(raw) > MAX_PROMPT_BYTES:
        raise ConfigurationError(f"Prompt {name}: more than {MAX_PROMPT_BYTES} bytes.")
    match = _FRONT_MATTER.match(raw.decode("utf-8"))
    if not match:
        raise ConfigurationError(f"Prompt {name}: has no front matter.")
    try:
        return _FrontMatter.model_validate(yaml.safe_load(match[1])), match[2]
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"Prompt {name}: its front matter cannot be read.") from error


def fence(kind: str, text: str, secret: bytes) -> str:
    """Put `text` between two delimiter lines that its author can neither guess nor write.

    The delimiter is derived from the installation's secret and the text, so equal material gives equal bytes and
    caches work. Lookalikes of a delimiter inside are broken up, and invisible characters are shown as `<U+202E>`.
    """
    shown = visible(text)
    digest = hmac.new(secret, f"{kind}\0{shown}".encode(), hashlib.sha256).hexdigest()[:FENCE_DIGITS]
    lookalike = re.compile(rf"<(/?{re.escape(kind)}-[0-9a-f]{{{FENCE_DIGITS}}})", re.IGNORECASE)
    harmless = lookalike.sub(r"< \1", shown)
    return f"<{kind}-{digest}>\n{harmless}\n</{kind}-{digest}>"


def fence_json(kind: str, value: object, secret: bytes) -> str:
    """Fence `value` as one line of JSON, for short texts such as titles, in which a line break could mislead."""
    return fence(kind, json.dumps(value, ensure_ascii=False, sort_keys=True), secret)


def visible(text: str) -> str:
    """Write every invisible character of `text` as `<U+XXXX>`; line breaks and tabs stay.

    Lone surrogates (bytes that are not UTF-8, in names and lines) are shown too, because vendors reject them.
    """
    return _UNPRINTABLE.sub(_code_point, _INVISIBLE.sub(_code_point, text))


def _code_point(match: re.Match[str]) -> str:
    character = match[0]
    if unicodedata.category(character) == "Cs" and "\udc80" <= character <= "\udcff":
        return f"<0x{ord(character) - 0xDC00:02X}>"
    return f"<U+{ord(character):04X}>"
