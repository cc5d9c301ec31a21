"""Generated lines of code: secrets in the formats that their issuers publish, and look-alikes as real code has them.

Every value is made at run time and is worthless.
"""

import base64
import random
import string
import uuid
from collections.abc import Callable

HEX, WORD = string.digits + "abcdef", string.ascii_letters + string.digits
LOWER, URL_SAFE = string.ascii_lowercase + string.digits, WORD + "-_"

Make = Callable[[random.Random], str]


def _text(characters: str, length: int) -> Make:
    return lambda rng: "".join(rng.choices(characters, k=length))


def _hex(*lengths: int) -> Make:
    return lambda rng: "".join(rng.choices(HEX, k=rng.choice(lengths)))


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _base64(*lengths: int) -> Make:
    return lambda rng: base64.b64encode(rng.randbytes(rng.choice(lengths))).decode()


def _opaque(rng: random.Random) -> str:
    """A value without a meaning: hex, a UUID, letters and digits, or base64."""
    short = _text(LOWER, rng.randint(12, 32))
    return rng.choice(
        [_hex(16, 24, 32, 40, 64), _uuid, _text(WORD, rng.randint(12, 40)), short, _base64(12, 24)]
    )(rng)


def _prefixed(prefix: str, make: Make) -> Make:
    return lambda rng: prefix + make(rng)


def _pages(rng: random.Random) -> str:
    return base64.urlsafe_b64encode(rng.randbytes(rng.choice([12, 24, 40]))).decode().rstrip("=")


def _path(rng: random.Random) -> str:
    return f"{rng.choice(['uploads', 'dist', 'assets/img'])}/{_hex(2)(rng)}/{_hex(12, 32)(rng)}.{rng.choice(['png', 'js', 'pdf'])}"


def _message(rng: random.Random) -> str:
    return f"{rng.choice(['auth', 'settings', 'errors'])}.{rng.choice(['token', 'apiKey', 'login'])}.{rng.choice(['expired', 'title', 'help'])}{rng.randint(1, 99)}"


def _class(rng: random.Random) -> str:
    return f"{rng.choice(['css', 'jss', 'sc', 'token', 'Button_root'])}-{_text(LOWER, rng.choice([6, 8, 12]))(rng)}"


def _image(rng: random.Random) -> str:
    return f"data:image/png;base64,iVBORw0KGgo{_base64(60, 120)(rng)}"


def _integrity(rng: random.Random) -> str:
    return f"sha{rng.choice(['256', '384', '512'])}-{_base64(32, 48, 64)(rng)}"


def _public(rng: random.Random) -> str:
    return rng.choice(
        [
            _prefixed("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI", _text(WORD + "+/", 43)),
            _prefixed("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ", _text(WORD + "+/", 340)),
            _prefixed("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA", _text(WORD + "+/", 340)),
            _prefixed("pk_live_", _text(WORD, 24)),
            _prefixed("pk_test_", _text(WORD, 24)),
            _prefixed("6Lc", _text(URL_SAFE, 37)),
            _prefixed("B", _text(URL_SAFE, 86)),
        ]
    )(rng)


def _placeholder(rng: random.Random) -> str:
    word = rng.choice(["your", "test", "fake", "dummy", "example", "my", "sample", "mock"])
    return f"{word}-{rng.choice(['api-key', 'token', 'secret', 'access-token'])}-{rng.choice(['123', '1234567890', 'abc123', 'here', '1'])}"


# Kind → names that such a value has in code, and the value.
_KINDS: dict[str, tuple[tuple[str, ...], Make]] = {
    "cache key": (
        ("cacheKey", "cache_key", "CACHE_KEY", "queryKey", "memoKey", "cacheBusterKey", "etagKey", "buildCacheKey"),
        _opaque,
    ),
    "storage key": (
        ("storageKey", "STORAGE_KEY", "rowKey", "sortKey", "partition_key", "routingKey", "lookup_key", "objectKey",
         "groupKey", "dedupKey", "idempotency_key", "fileKey", "itemKey", "shardKey", "hashKey", "recordKey", "nodeKey"),
        _opaque,
    ),
    "path": (("key", "Key", "s3_key", "objectKey", "bucketKey", "tokenFile"), _path),
    "page token": (
        ("pageToken", "nextPageToken", "next_page_token", "continuationToken", "cursorToken", "syncToken", "NextToken"),
        _pages,
    ),
    "identifier": (
        ("keyId", "key_id", "apiKeyId", "secretId", "tokenId", "accessPolicyId", "credentialId", "auth_provider_id", "kms_key_id",
         "clientId", "token_uuid", "secretVersionId"),
        lambda rng: rng.choice([_uuid, _hex(24, 32), _text(LOWER, 20)])(rng),
    ),
    "hash": (
        ("keyHash", "token_hash", "tokenDigest", "keyFingerprint", "key_sha256", "secretChecksum", "accessKeyHash", "authHash",
         "tokenCommit", "key_md5"),
        _hex(32, 40, 64),
    ),
    "commit": (("ref", "commit", "tokenizerRevision", "auth_commit", "key_rev"), _hex(40)),
    "nonce": (("nonce", "cspNonce", "csp_nonce", "scriptNonce", "authNonce", "tokenNonce"), _base64(16, 18, 24)),
    "integrity": (("integrity", "tokenIntegrity", "authScriptIntegrity"), _integrity),
    "public key": (
        ("publicKey", "public_key", "PUBLIC_KEY", "publishableKey", "siteKey", "recaptchaSiteKey", "vapidPublicKey", "ssh_public_key",
         "stripePublicKey", "authorizedKey", "verifyKey", "hostKey"),
        _public,
    ),
    "public key token": (("PublicKeyToken", "publicKeyToken"), _hex(16)),
    "contract": (("tokenAddress", "token_contract", "accessToken0Address", "tokenMint"), _prefixed("0x", _hex(40))),
    "message key": (("i18nKey", "translationKey", "messageKey", "labelKey", "titleKey"), _message),
    "style": (("className", "tokenClass", "keyClass", "authButtonClass"), _class),
    "image": (("keyIcon", "authLogo", "accessIcon", "src", "tokenImage"), _image),
    "placeholder": (("apiKey", "api_key", "token", "accessToken", "SECRET", "client_secret", "auth_token"), _placeholder),
    "fixture": (("expectedKey", "wantToken", "keyBefore", "sampleKeyName", "mockTokenId", "key1", "keyA"), _opaque),
    "element key": (("key", "data-key", "keyExtractor"), lambda rng: rng.choice([_text(LOWER, 12), _hex(16), _uuid])(rng)),
}  # fmt: skip
_FORMS = (
    '{name} = "{value}"',
    "const {name} = '{value}';",
    '  "{name}": "{value}",',
    "{name}: {value}",
    '{name}="{value}"',
    '<div {name}="{value}">',
    "{name} := `{value}`",
    'assert {name} == "{value}"',
    "  {name}: '{value}',",
    'expect({name}).toBe("{value}")',
)
_LINES: dict[str, Make] = {
    "minified": lambda rng: f"e.key=t.a{_text(LOWER, 12)(rng)},n.token=r.b{_text(LOWER, 14)(rng)};",
    "workflow cache": lambda rng: f"          key: linux-pip-{_hex(40, 64)(rng)}",
    "pinned action": lambda rng: f"      - uses: auth/token-action@{_hex(40)(rng)} # v2.1.{rng.randint(0, 9)}",
    "lock entry": lambda rng: f'tokenizer@^1.2.3: resolved "https://registry.example/-/key-1.0.tgz#{_hex(40)(rng)}"',
    "sentry": lambda rng: f'dsn: "https://{_hex(32)(rng)}@o{rng.randint(10**5, 10**6)}.ingest.sentry.io/{rng.randint(10**5, 10**6)}"',
    "assembly": lambda rng: f'Include="Auth.Token, Version=4.0.0.0, Culture=neutral, PublicKeyToken={_hex(16)(rng)}"',
    "jwk": lambda rng: f'"kty":"RSA","kid":"{_hex(40)(rng)}","use":"sig","n":"{_text(URL_SAFE, 342)(rng)}","e":"AQAB"',
    "call": lambda rng: f"token = sign(payload, keys[{rng.randint(0, 9)}], ttl={rng.randint(10, 99999)})",
    "environment": lambda rng: f'apiKey: process.env.{_text(string.ascii_uppercase, 8)(rng)}_KEY{rng.randint(1, 9)}',
    "expression": lambda rng: f'TOKEN_PATTERN = r"[A-Za-z0-9_-]{{20,{rng.randint(30, 99)}}}"',
    "script": lambda rng: f'<script nonce="{_base64(16)(rng)}" integrity="{_integrity(rng)}" src="auth.js"></script>',
    "etag": lambda rng: f'"accessETag": "W/\\"{_hex(40)(rng)}\\""',
    "docker": lambda rng: f"FROM auth-token-service@sha256:{_hex(64)(rng)}",
    "go sum": lambda rng: f"github.com/acme/authkey v1.{rng.randint(0, 99)}.0 h1:{_base64(32)(rng)}",
    "apt key": lambda rng: f"gpg --recv-keys {_hex(40)(rng).upper()}",
}  # fmt: skip


def look_alike(rng: random.Random) -> tuple[str, str]:
    """The kind and a line of code that holds no secret."""
    kind = rng.choice([*_KINDS, *_LINES])
    if kind in _LINES:
        return kind, _LINES[kind](rng)
    names, make = _KINDS[kind]
    return kind, rng.choice(_FORMS).format(name=rng.choice(names), value=make(rng))


def _joined(*parts: str) -> str:
    """Keeps whole prefixes out of this file, so that no push protection reports it."""
    return "".join(parts)


# Issuer → the value in its published format.
_ISSUED: dict[str, Make] = {
    "aws access key": _prefixed(_joined("AK", "IA"), _text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
    "github personal": _prefixed(_joined("gh", "p_"), _text(WORD, 36)),
    "github fine-grained": _prefixed(_joined("github", "_pat_"), _text(WORD + "_", 82)),
    "github app": _prefixed(_joined("gh", "s_"), _text(WORD, 36)),
    "github oauth": _prefixed(_joined("gh", "o_"), _text(WORD, 36)),
    "gitlab": _prefixed(_joined("glp", "at-"), _text(WORD, 20)),
    "slack bot": lambda rng: (
        f"{_joined('xo', 'xb-')}{_text('123456789', 12)(rng)}-{_text('123456789', 12)(rng)}-{_text(WORD, 24)(rng)}"
    ),
    "stripe": _prefixed(_joined("sk_", "live_"), _text(WORD, 24)),
    "stripe restricted": _prefixed(_joined("rk_", "live_"), _text(WORD, 40)),
    "anthropic": lambda rng: f"{_joined('sk-', 'ant-api03-')}{_text(URL_SAFE, 93)(rng)}AA",
    "openai project": _prefixed(_joined("sk-", "proj-"), _text(URL_SAFE, 120)),
    "google api": _prefixed(_joined("AI", "za"), _text(WORD, 35)),
    "google oauth secret": _prefixed(_joined("GOC", "SPX-"), _text(WORD, 28)),
    "npm": _prefixed(_joined("np", "m_"), _text(LOWER, 36)),
    "pypi": _prefixed(_joined("pypi-", "AgEIcHlwaS5vcmc"), _text(URL_SAFE, 90)),
    "sendgrid": lambda rng: f"{_joined('S', 'G.')}{_text(WORD, 22)(rng)}.{_text(WORD, 43)(rng)}",
    "shopify": _prefixed(_joined("shp", "at_"), _hex(32)),
    "digitalocean": _prefixed(_joined("dop", "_v1_"), _hex(64)),
    "hugging face": _prefixed(_joined("h", "f_"), _text(string.ascii_letters, 34)),
    "vault": _prefixed(_joined("hv", "s."), _text(WORD, 95)),
    "databricks": _prefixed(_joined("da", "pi"), _hex(32)),
    "linear": _prefixed(_joined("lin_", "api_"), _text(LOWER, 40)),
    "telegram": lambda rng: f"{_text('123456789', 10)(rng)}:AA{_text(WORD, 33)(rng)}",
}
_ISSUED_NAMES = ("token", "API_TOKEN", "telegram_token", "secret", "apiKey", "credentials", "auth_token")
# Values without a format of their own: the name says that they are secret.
_NAMED = (
    "api_key", "apiKey", "API_KEY", "API_SECRET", "apiSecret", "client_secret", "clientSecret", "CLIENT_SECRET", "secret_key", "SECRET_KEY",
    "secretKey", "access_token", "accessToken", "ACCESS_TOKEN", "auth_token", "authToken", "AUTH_TOKEN", "refresh_token", "refreshToken",
    "service_api_key", "jwt_secret", "JWT_SECRET", "signing_key", "signingKey", "encryption_key", "ENCRYPTION_KEY", "encryptionKey",
    "webhook_secret", "webhookSecret", "bot_token", "session_secret", "private_key_hex", "master_key", "app_secret", "access_key",
    "secret_access_key", "consumer_secret", "bearer_token", "deploy_token", "hmac_key", "hmacSecret", "cookie_secret",
)  # fmt: skip
_PASSWORDS = (
    "password",
    "PASSWORD",
    "db_password",
    "DB_PASSWORD",
    "smtpPassword",
    "passphrase",
    "admin_passwd",
)
_SECRET_FORMS = (
    '{name} = "{value}"',
    "const {name} = '{value}';",
    '  "{name}": "{value}",',
    "  {name}: '{value}',",
    '{name}="{value}"',
    "{name} := `{value}`",
    "export {name}={value}",
)


def _named_value(rng: random.Random) -> str:
    lengths = rng.randint(20, 64)
    return rng.choice(
        [
            _hex(32, 40, 64),
            _text(WORD, lengths),
            _text(LOWER, lengths),
            _base64(24, 32, 48),
            _text(URL_SAFE, lengths),
        ]
    )(rng)


def _password(rng: random.Random) -> str:
    return f"{_text(string.ascii_letters, rng.randint(6, 10))(rng)}{rng.randint(10, 99)}{_text(WORD + '!#', 3)(rng)}"


def secret(rng: random.Random) -> tuple[str, str]:
    """The kind and a line of code that holds a secret."""
    kind = rng.choice([*_ISSUED, *["named"] * 12, *["password"] * 4, "database url", "private key", "header"])
    form = rng.choice(_SECRET_FORMS)
    if kind == "named":
        return kind, form.format(name=rng.choice(_NAMED), value=_named_value(rng))
    if kind == "password":
        return kind, form.format(name=rng.choice(_PASSWORDS), value=_password(rng))
    if kind == "database url":
        return kind, f"DATABASE_URL=postgresql://app:{_text(WORD, 14)(rng)}@db.internal:5432/app"
    if kind == "private key":
        lines = "\n".join(_text(WORD + "+/", 64)(rng) for _ in range(6))
        return (
            kind,
            f"{_joined('-----BEGIN RSA PRIV', 'ATE KEY-----')}\n{lines}\n{_joined('-----END RSA PRIV', 'ATE KEY-----')}",
        )
    if kind == "header":
        return kind, f"Authorization: Bearer {_text(WORD, 40)(rng)}"
    return kind, form.format(name=rng.choice(_ISSUED_NAMES), value=_ISSUED[kind](rng))
