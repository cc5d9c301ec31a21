"""Decides whether a value with a name like `key` or `token` is a secret, by its name and its form. Pure; keeps nothing.

The published rule for values without a format of their own looks for such words anywhere in a name. Most names with `key` in
them are names of cache keys, identifiers, hashes, and public keys.
"""

import re

# A word of a name. A name with one of these is no secret unless it is also one of `_SECRET_NAMES`.
_HARMLESS_WORDS = frozenset(
    [
        "address",
        "app",
        "before",
        "after",
        "bucket",
        "build",
        "cache",
        "class",
        "column",
        "commit",
        "composite",
        "content",
        "continuation",
        "contract",
        "csp",
        "cursor",
        "dedup",
        "dedupe",
        "element",
        "entity",
        "etag",
        "event",
        "expected",
        "extractor",
        "feature",
        "field",
        "file",
        "fixture",
        "flag",
        "foreign",
        "form",
        "group",
        "header",
        "host",
        "i18n",
        "icon",
        "id",
        "ids",
        "idempotency",
        "image",
        "index",
        "integrity",
        "item",
        "json",
        "keys",
        "label",
        "layout",
        "lock",
        "lookup",
        "map",
        "memo",
        "message",
        "meta",
        "mint",
        "mock",
        "mutation",
        "next",
        "node",
        "nonce",
        "object",
        "option",
        "order",
        "page",
        "param",
        "partition",
        "path",
        "permission",
        "pip",
        "policy",
        "previous",
        "primary",
        "property",
        "provider",
        "public",
        "publishable",
        "pubsub",
        "query",
        "rate",
        "react",
        "record",
        "redis",
        "ref",
        "registry",
        "render",
        "resource",
        "restore",
        "rev",
        "revision",
        "route",
        "routing",
        "row",
        "sample",
        "schema",
        "script",
        "section",
        "session",
        "shard",
        "signature",
        "site",
        "slot",
        "sort",
        "state",
        "storage",
        "store",
        "style",
        "sync",
        "tab",
        "table",
        "tag",
        "template",
        "theme",
        "title",
        "topic",
        "translation",
        "type",
        "unique",
        "uuid",
        "vapid",
        "verify",
        "version",
        "view",
        "want",
        "widget",
        "authorized",
        "h1",
        "yarn",
        "npm",
        "npmjs",
        "linux",
        "macos",
        "windows",
        "run",
        "test",
        "tests",
    ]
)
# What is derived from a secret, or names it, is no secret.
_DERIVED_WORDS = frozenset(
    [
        "address",
        "checksum",
        "class",
        "commit",
        "contract",
        "digest",
        "etag",
        "fingerprint",
        "hash",
        "icon",
        "id",
        "ids",
        "image",
        "integrity",
        "logo",
        "md5",
        "mint",
        "name",
        "nonce",
        "rev",
        "revision",
        "sha",
        "sha1",
        "sha256",
        "sha512",
        "type",
        "uuid",
        "version",
        "file",
        "path",
        "prefix",
        "pattern",
        "url",
        "uri",
        "endpoint",
    ]
)
_SECRET_NAMES = re.compile(
    r"secret|passw|private|cred|bearer|(?:api|access|auth|encryption|crypto|crypt|aes|signing|master|hmac|jwt|cookie|csrf|service|server|admin"
    r"|root|deploy|refresh|bot|app|session|webhook|licen[cs]e|account|shared|prod|live|db|openai|anthropic|gemini|stripe|mailgun|sendgrid"
    r"|twilio|aws|azure|gcp|google|maps|github|gitlab|slack|datadog|algolia|heroku|cloudflare|firebase|pusher)_(?:key|token)"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d*|\d+")
_HARMLESS_VALUE = re.compile(
    r"0x[0-9a-f]{40}$|sha(?:1|256|384|512)-|data:|h1:|ssh-|aaaa[bce]3nza|mii[bcej]|pk_(?:live|test)_|6l[a-z0-9_-]{38}$"
    r"|(?:your|test|fake|dummy|example|my|sample|mock|some|placeholder)[_-]|[\w./-]+\.(?:png|jpe?g|gif|svg|js|mjs|css|pdf|json|ts|py|txt|html|xml|zip)$",
    re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_REFERENCE = re.compile(r"[A-Za-z_$][\w$]{0,60}(?:\.[A-Za-z_$][\w$]{0,60}){1,9}")


def is_ordinary_value(name: str, value: str, *, quoted: bool) -> bool:
    """Whether the name, and what the value looks like, say that this is no secret."""
    if _HARMLESS_VALUE.match(value) or (not quoted and _REFERENCE.fullmatch(value)):
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    joined = "_".join(words)
    if _DERIVED_WORDS & set(words) and words[-1:] != ["secret"]:
        return True
    if _SECRET_NAMES.search(joined):
        return False
    # A key without such a name is a key of a map, a row, or an element; a token is a secret unless its name says what it is.
    speaks_of_access = "token" in words or words[-1:] in (["auth"], ["access"], ["tokens"])
    return not speaks_of_access or bool(_UUID.fullmatch(value)) or bool(_HARMLESS_WORDS & set(words))
