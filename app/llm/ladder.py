"""The ladder of ways to request JSON, the same for all vendors, and which rung each model takes.

full schema → schema without enums → JSON mode with the schema in the prompt → the prompt alone, each with one repair.

A rung that works after a refusal is remembered for a day per provider, model and schema, in the database too, so a refusal
costs one attempt a day. If the table is unavailable, each process remembers only its own.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol, cast

from app.clock import Clock
from app.domain.model_call import Provider, Rung, RungName, RungState
from app.errors import ModelError, ModelFormatUnsupported, ModelSchemaRefused, StoreUnavailable
from app.llm.client import JsonSchema, ModelRequest

REMEMBERED = timedelta(days=1)
REFRESH_S = 60.0
TOKENS_PER_ROW = 500  # one item of each list of an answer, and four verdicts
MIN_ROWS = 4
ROWS_OF = {"verdicts": 4, "acceptance": 4}  # times as many: as long as what the question lists
MAX_NAMED_VALUES = 10  # of an enum, when the enum is left out; the prompt has the longer ones

ALL = (Rung.SCHEMA, Rung.OPEN_SCHEMA, Rung.JSON_MODE, Rung.PROMPT)
LADDERS: Mapping[Provider, tuple[Rung, ...]] = {
    Provider.CLAUDE: (Rung.SCHEMA, Rung.OPEN_SCHEMA, Rung.PROMPT)  # the Messages API has no JSON mode
}

log = logging.getLogger("quorum.llm")


class RungStore(Protocol):
    """The table of rungs (`app.store.rungs`)."""

    async def load(self) -> Sequence[RungState]:
        """Load all rungs, including expired ones."""
        ...

    async def record(self, state: RungState) -> None:
        """Store a rung, replacing an earlier one of the same name."""
        ...


def rung_below(provider: Provider, rung: Rung, error: ModelError) -> Rung | None:
    """Return the rung on which to continue after an error; None if the rung is not to blame, or is the last.

    A server that does not know how to enforce a schema is not asked to enforce a simpler one.
    """
    is_format = isinstance(error, ModelFormatUnsupported) or (error.may_be_format and provider.is_server)
    if not (is_format or isinstance(error, ModelSchemaRefused) or error.may_be_format):
        return None
    ladder = LADDERS.get(provider, ALL)
    below = ladder[ladder.index(rung) + 1 :]
    return next((each for each in below if not (is_format and each is Rung.OPEN_SCHEMA)), None)


def on_rung(request: ModelRequest, rung: Rung) -> ModelRequest:
    """Return the request as it is asked on this rung; on the first one it stays as it is."""
    match rung:
        case Rung.SCHEMA:
            return request
        case Rung.OPEN_SCHEMA:
            return replace(request, rung=rung, schema=without_enums(request.schema))
        case Rung.JSON_MODE | Rung.PROMPT:
            asked = f"Answer with one JSON value and nothing else. Its schema:\n{json.dumps(request.schema)}"
            return replace(request, rung=rung, question=f"{request.question}\n\n{asked}")


def without_enums(schema: JsonSchema) -> JsonSchema:
    """Return the schema with its enums as plain strings; a short enum becomes a description."""
    return cast("JsonSchema", _open(schema))


def _open(node: object) -> object:
    if isinstance(node, list):
        return [_open(each) for each in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    values = cast("dict[str, Any]", node)
    opened = {name: _open(value) for name, value in values.items() if name != "enum"}
    enum = values.get("enum")
    if isinstance(enum, list) and len(cast("list[object]", enum)) <= MAX_NAMED_VALUES:
        opened["description"] = "one of: " + ", ".join(map(str, cast("list[object]", enum)))
    return opened


def with_short_lists(schema: JsonSchema, output_tokens: int) -> JsonSchema:
    """Return the schema with lists so short that an answer with all of them full fits in the output limit.

    A small model that repeats itself stops only where the grammar of the schema ends a list.
    """
    rows = max(output_tokens // TOKENS_PER_ROW, MIN_ROWS)
    properties: dict[str, JsonSchema] = schema.get("properties", {})
    limited = {
        name: {**each, "maxItems": rows * ROWS_OF.get(name, 1)} if each.get("type") == "array" else each
        for name, each in properties.items()
    }
    return {**schema, "properties": limited}


class Rungs:
    """Which rung each model takes. `access` is a digest of each provider's key and address."""

    def __init__(self, *, store: RungStore | None, access: Mapping[Provider, str], clock: Clock) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._states: dict[RungName, RungState] = {}
        self._fresh_until_s = float("-inf")

    async def refresh(self) -> None:
        """Load what other processes learned, unless that happened recently."""
        if self._store is None or self._clock.monotonic_s() < self._fresh_until_s:
            return
        self._fresh_until_s = self._clock.monotonic_s() + REFRESH_S
        try:
            states = await self._store.load()
        except StoreUnavailable as error:
            log.warning("rungs are not shared with other processes for now", extra={"error": str(error)})
            return
        for state in states:
            known = self._states.get(state.name)
            if known is None or known.expires_at < state.expires_at:
                self._states[state.name] = state

    def rung(self, provider: Provider, model: str, schema: JsonSchema) -> Rung:
        """Return the rung to ask on: the first one unless the model refused it within the last day."""
        state = self._states.get(self._name(provider, model, schema))
        return state.rung if state and state.expires_at > self._clock.now() else Rung.SCHEMA

    async def remember(
        self, provider: Provider, model: str, schema: JsonSchema, *, rung: Rung, error: ModelError
    ) -> None:
        """Remember the rung for a day, and why the better one failed."""
        state = RungState(
            name=self._name(provider, model, schema),
            rung=rung,
            error=str(error),
            expires_at=self._clock.now() + REMEMBERED,
        )
        self._states[state.name] = state
        if self._store is None:
            return
        try:
            await self._store.record(state)
        except StoreUnavailable as unavailable:
            log.warning("a rung is not shared with other processes", extra={"error": str(unavailable)})

    async def current(self) -> list[RungState]:
        """Return the rungs in effect for the configured keys and addresses, for display."""
        await self.refresh()
        now = self._clock.now()
        return [
            state
            for name, state in self._states.items()
            if state.expires_at > now and self._access.get(name.provider) == name.access
        ]

    def _name(self, provider: Provider, model: str, schema: JsonSchema) -> RungName:
        digest = hashlib.sha256(json.dumps(schema).encode()).hexdigest()[:12]
        return RungName(provider=provider, model=model, schema=digest, access=self._access.get(provider, ""))
