"""Secrets are found in many formats and look-alikes are left alone. Values are made at run time, never committed."""

import base64
import random
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.redaction import OWN_SECRET, Redactor, SecretHit

LETTERS = string.ascii_letters
WORD = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
URL_SAFE = WORD + "-_"

_random = random.Random(20261122)


def made(characters: str, length: int) -> str:
    return "".join(_random.choice(characters) for _ in range(length))


def joined(*parts: str) -> str:
    """Keeps the whole prefix out of this file, so that no push protection trips over it."""
    return "".join(parts)


def jwt() -> str:
    head, body = ('{"alg":"HS256","typ":"JWT"}', '{"sub":"1234567890","name":"Ada"}')
    return ".".join(
        [
            *(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in (head, body)),
            made(URL_SAFE, 43),
        ]
    )


def pem(lines: int = 10, *, end: bool = True) -> str:
    body = "\n".join(made(WORD + "+/", 64) for _ in range(lines))
    last = joined("\n-----END RSA PRIV", "ATE KEY-----") if end else ""
    return joined("-----BEGIN RSA PRIV", "ATE KEY-----\n") + body + last


# Format → (value, how it stands in a file).
FORMATS: dict[str, Callable[[], tuple[str, str]]] = {
    "aws access key": lambda: (
        (v := joined("AK", "IA") + made("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
        f'key_id = "{v}"',
    ),
    "aws secret key": lambda: ((v := made(WORD + "/+", 40)), f"aws_secret_access_key = {v}"),
    "github pat": lambda: ((v := joined("gh", "p_") + made(WORD, 36)), f"TOKEN={v}"),
    "github fine-grained": lambda: ((v := joined("github", "_pat_") + made(WORD + "_", 82)), f'token: "{v}"'),
    "github app, short": lambda: (
        (v := joined("gh", "s_") + made(WORD, 36)),
        f"git clone https://x-access-token:{v}@host/a.git",
    ),
    "github app, 520 characters": lambda: (
        (v := joined("gh", "s_") + made(WORD, 100) + "." + made(URL_SAFE, 300) + "." + made(WORD, 114)),
        f'"token": "{v}"',
    ),
    "github oauth": lambda: ((v := joined("gh", "o_") + made(WORD, 36)), f"auth({v})"),
    "gitlab pat": lambda: ((v := joined("glp", "at-") + made(URL_SAFE[:-2], 20)), f"PRIVATE-TOKEN: {v}"),
    "slack bot": lambda: (
        (v := joined("xo", "xb-") + f"{made('123456789', 12)}-{made('123456789', 12)}-{made(WORD, 24)}"),
        f"slack({v!r})",
    ),
    "slack webhook": lambda: (
        (v := f"T{made(UPPER, 9)}/B{made(UPPER, 9)}/{made(WORD, 24)}"),
        joined("https://hooks.slack", ".com/services/") + v,
    ),
    "discord webhook": lambda: (
        (v := made(URL_SAFE, 68)),
        joined("https://discord", ".com/api/webhooks/") + made("123456789", 18) + "/" + v,
    ),
    "stripe": lambda: ((v := joined("sk_", "live_") + made(WORD, 24)), f"stripe.api_key = '{v}'"),
    "stripe restricted": lambda: ((v := joined("rk_", "live_") + made(WORD, 40)), f"STRIPE={v}"),
    "anthropic": lambda: (
        (v := joined("sk-", "ant-api03-") + made(URL_SAFE, 93) + "AA"),
        f"ANTHROPIC_API_KEY={v}",
    ),
    "openai project": lambda: ((v := joined("sk-", "proj-") + made(URL_SAFE, 120)), f'openai_key = "{v}"'),
    "openai legacy": lambda: (
        (v := "sk-" + made(WORD, 20) + joined("T3Blbk", "FJ") + made(WORD, 20)),
        f"key={v}",
    ),
    "google api": lambda: ((v := joined("AI", "za") + made(URL_SAFE[:-2], 35)), f'"key": "{v}"'),
    "google oauth secret": lambda: ((v := joined("GOC", "SPX-") + made(WORD, 28)), f"client = {v}"),
    "google oauth token": lambda: (
        (v := joined("ya", "29.") + made(URL_SAFE, 120)),
        f"Authorization: Bearer {v}",
    ),
    "npm": lambda: ((v := joined("np", "m_") + made(LOWER, 36)), f"//registry.example/:_authToken={v}"),
    "pypi": lambda: ((v := joined("pypi-", "AgEIcHlwaS5vcmc") + made(URL_SAFE, 90)), f"password = {v}"),
    "sendgrid": lambda: (
        (v := joined("S", "G.") + made(URL_SAFE[:-2], 22) + "." + made(WORD, 43)),
        f'sg("{v}")',
    ),
    "twilio": lambda: ((v := joined("S", "K") + made(HEX, 32)), f"twilio = {v}"),
    "mailgun": lambda: ((v := joined("ke", "y-") + made(HEX, 32)), f"mailgun_key = '{v}'"),
    "shopify": lambda: ((v := joined("shp", "at_") + made(HEX, 32)), f"X-Shopify-Access-Token: {v}"),
    "digitalocean": lambda: ((v := joined("dop", "_v1_") + made(HEX, 64)), f"DO_TOKEN={v}"),
    "hugging face": lambda: ((v := joined("h", "f_") + made(LETTERS, 34)), f'token="{v}"'),
    "vault": lambda: ((v := joined("hv", "s.") + made(URL_SAFE, 95)), f"VAULT_TOKEN={v}"),
    "databricks": lambda: ((v := joined("da", "pi") + made(HEX, 32)), f"token = {v}"),
    "linear": lambda: ((v := joined("lin_", "api_") + made(LOWER, 40)), f"linear={v}"),
    "telegram": lambda: (
        (v := f"{made('123456789', 10)}:A{made(URL_SAFE[:-2], 34)}"),
        f"telegram_token = '{v}'",
    ),
    "jwt": lambda: ((v := jwt()), f"Authorization: Bearer {v}"),
    "private key": lambda: ((v := pem()), v),
    "private key without its end": lambda: ((v := pem(end=False)), v),
    "private key in a string": lambda: ((v := pem().replace("\n", "\\n")), f'"private_key": "{v}\\n"'),
    "database url": lambda: (
        (v := made(WORD, 14)),
        f"DATABASE_URL=postgresql://app:{v}@db.internal:5432/app",
    ),
    "mongodb url": lambda: ((v := made(WORD, 16)), f'uri = "mongodb+srv://svc:{v}@cluster0.example.net/x"'),
    "redis url": lambda: ((v := made(WORD, 20)), f"redis://:{v}@cache:6379/0"),
    "basic-auth url": lambda: ((v := made(WORD, 12)), f"curl https://deploy:{v}@artifacts.example.com/a"),
    "password, python": lambda: ((v := made(LETTERS, 7) + "7!" + made(WORD, 3)), f'PASSWORD = "{v}"'),
    "password, json": lambda: ((v := made(LETTERS, 7) + "4#" + made(WORD, 3)), f'  "password": "{v}",'),
    "password, keyword argument": lambda: (
        (v := made(LETTERS, 8) + "29"),
        f"connect(user='app', password='{v}')",
    ),
    "password, env file": lambda: ((v := made(LETTERS, 9) + "3" + made(WORD, 4)), f"POSTGRES_PASSWORD={v}"),
    "password, yaml": lambda: ((v := made(LETTERS, 9) + "3" + made(WORD, 4)), f"  db_password: {v}"),
    "azure storage": lambda: (
        (v := made(WORD + "+/", 86) + "=="),
        f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={v};",
    ),
    "basic header": lambda: (
        (v := base64.b64encode(made(WORD, 20).encode()).decode()),
        f"Authorization: Basic {v}",
    ),
    "generic api key": lambda: ((v := made(LOWER, 32)), f'service_api_key = "{v}"'),
}

LOOK_ALIKES = [
    'password = os.environ["DB_PASSWORD"]',
    "password = getpass.getpass()",
    'password: "${DB_PASSWORD}"',
    "POSTGRES_PASSWORD=${POSTGRES_PASSWORD}",
    "PASSWORD=changeme",
    'password = "password"',
    'passwordLabel: "Enter your password"',
    'PASSWORD_RESET_PATH = "/reset/new-1"',
    'password_hasher = "argon2id"',
    'type="password" name="password"',
    "password = request.form['password']",
    "if password != confirm_password:",
    "postgresql://user:password@localhost/db",
    "postgres://$USER:$PASSWORD@$HOST/db",
    "mysql://{user}:{password}@{host}/{name}",
    "https://user:<token>@example.com/",
    "https://example.com:8080/a@b",
    "redis://localhost:6379/0",
    'api_key = "YOUR_API_KEY"',
    'api_key="..."',
    "key = hashlib.sha256(data).hexdigest()",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    '"integrity": "sha512-' + base64.b64encode(bytes(range(64))).decode() + '"',
    "uuid = '123e4567-e89b-12d3-a456-426614174000'",
    "monkey = keyboard.key_for('primary_key_constraint')",
    "access_token = client.fetch_access_token(code)",
    "secret_name = 'projects/my-project/secrets/db/versions/latest'",
    "token = tokens[index]",
    "const tokenizer = new Tokenizer('bpe-base-uncased')",
    "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
    "Authorization: Bearer YOUR_TOKEN_GOES_HERE",
    "Authorization: Bearer ${{ secrets.GITHUB_TOKEN }}",
    "-----BEGIN PUBLIC KEY-----",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
    'author = "Jane Doe <jane@example.com>"',
    "cache_key = f'{user.id}:{page}'",
    "max_tokens = 4096",
    "git@github.com:owner/repository.git",
    'PRIMARY KEY ("id"), FOREIGN KEY ("account")',
    "ghp_ is the prefix of a token",
]


@pytest.mark.parametrize("name", FORMATS)
def test_a_secret_of_each_format_is_redacted_and_keeps_its_lines(name: str) -> None:
    value, text = FORMATS[name]()
    text = f"first = 1\n{text}\nlast = 2\n"
    redacted = Redactor().redact(text)
    assert "[REDACTED:" in redacted
    assert redacted.count("\n") == text.count("\n")
    for piece in value.replace("\\n", "\n").split("\n"):
        assert piece not in redacted


def test_at_least_95_percent_of_many_random_secrets_are_found() -> None:
    redactor = Redactor()
    missed = [name for name, make in FORMATS.items() for _ in range(20) if not redactor.scan(make()[1])]
    assert len(missed) <= 0.05 * 20 * len(FORMATS), missed


def test_look_alikes_are_not_redacted() -> None:
    redactor = Redactor()
    flagged = [text for text in LOOK_ALIKES if redactor.scan(text)]
    assert len(flagged) <= 0.08 * len(LOOK_ALIKES), flagged


def test_a_hit_names_the_line_and_the_rule() -> None:
    value, line = FORMATS["stripe"]()
    assert Redactor().scan(f"a\n\n{line}\n") == [SecretHit(line=3, rule="stripe-access-token")]
    assert value not in repr(Redactor().scan(line))


def test_redacting_a_multiline_key_keeps_its_line_breaks() -> None:
    text = f"KEY = '''{pem(12)}'''\nafter = 1\n"
    redacted = Redactor().redact(text)
    assert redacted.split("\n")[text.split("\n").index("after = 1")] == "after = 1"


def test_a_secret_at_the_end_of_a_very_long_line_is_found() -> None:
    value, line = FORMATS["github pat"]()
    redacted = Redactor().redact("x = 1;" * 5_000 + line)
    assert value not in redacted


def test_every_line_and_every_part_of_a_long_line_is_searched() -> None:
    value, line = FORMATS["stripe"]()
    text = "\n".join(["a = 1", line, "b = 2", f"{'c = 3;' * 1_000}{line}{'d = 4;' * 1_000}{line}", line])
    redacted = Redactor().redact(text)
    assert value not in redacted
    assert redacted.count("[REDACTED:stripe-access-token]") == 4


def test_a_text_without_secrets_is_the_same_each_time_and_so_is_one_with_secrets() -> None:
    redactor = Redactor()
    _, line = FORMATS["stripe"]()
    first = [redactor.redact(text) for text in ("a = 1\n", line)]
    assert [redactor.redact(text) for text in ("a = 1\n", line)] == first
    assert first[0] == "a = 1\n"
    assert first[1] != line


def test_a_lock_file_has_no_secrets_only_hashes() -> None:
    _, line = FORMATS["generic api key"]()
    assert Redactor().scan(line)
    assert Redactor().scan(line, path="web/package-lock.json") == []


def own_key() -> str:
    return joined("sk-", "ant-api03-") + made(URL_SAFE, 93) + "AA"


TURNED: dict[str, Callable[[str], str]] = {
    "plain": lambda key: key,
    "without its beginning": lambda key: key[7:],
    "reversed": lambda key: key[::-1],
    "hex": lambda key: key.encode().hex(),
    "hex in capitals": lambda key: key.encode().hex().upper(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(b"x" + key.encode()).decode(),
    "inside a longer base64": lambda key: base64.b64encode(b"it is " + key.encode() + b".").decode(),
    "in pieces": lambda key: " ".join(key[start : start + 12] for start in range(0, len(key), 12)),
}


@pytest.mark.parametrize("form", TURNED)
def test_own_secrets_are_found_in_any_encoding(form: str) -> None:
    key = own_key()
    redactor = Redactor([key])
    text = f"one\ntwo {TURNED[form](key)} end"
    assert [hit.line for hit in redactor.scan(text)] == [2]
    assert not redactor.scan(redactor.redact(text))


def test_the_public_part_of_an_own_secret_is_not_redacted() -> None:
    redactor = Redactor([own_key(), pem(), joined("gh", "s_") + made(WORD, 36)])
    harmless = joined("Keys begin with sk-", "ant-api03- or ghs_, and -----BEGIN RSA PRIV", "ATE KEY-----.")
    assert redactor.scan(harmless) == []


@pytest.mark.parametrize("secret", ["0" * 40, "ab" * 20, "7", "hunter2"])
def test_an_indistinct_own_secret_is_only_redacted_as_a_whole_word(secret: str) -> None:
    redactor = Redactor([secret])
    for harmless in (f"installation 3{secret}9", f"3{secret}", f"x_{secret}"):
        assert redactor.redact(harmless) == harmless
    assert redactor.redact(f"key={secret}, then") == "key=[REDACTED:own-secret], then"
    assert redactor.scan(f"one\n{secret}") == [SecretHit(line=2, rule=OWN_SECRET)]


@pytest.mark.parametrize("placeholder", ["none", "x", "EMPTY"])
def test_a_placeholder_for_a_server_without_keys_is_not_a_secret(placeholder: str) -> None:
    assert Redactor([placeholder]).redact(f"key = {placeholder}") == f"key = {placeholder}"


def test_the_short_last_line_of_an_own_key_is_not_redacted_as_a_word() -> None:
    redactor = Redactor([own_key() + "\nand\n"])
    assert redactor.redact("this and that") == "this and that"


def test_an_id_that_encodes_four_characters_of_an_own_secret_is_not_redacted() -> None:
    redactor = Redactor(["pqrstuvwxyz"])
    assert redactor.redact("installation 3717273749") == "installation 3717273749"
    assert redactor.redact("id 70717273747576777879") == "id [REDACTED:own-secret]"


def test_no_own_secrets_means_no_own_hits() -> None:
    assert Redactor().scan("anything at all") == []


@given(st.text(alphabet=st.characters(), max_size=400))
def test_any_text_keeps_its_line_count(text: str) -> None:
    assert Redactor().redact(text).count("\n") == text.count("\n")


@given(
    st.lists(
        st.one_of(
            st.sampled_from(sorted(FORMATS)).map(lambda name: FORMATS[name]()[1]),
            st.sampled_from(LOOK_ALIKES),
            st.text(alphabet='pasword=:"_ \n', max_size=30),
        ),
        max_size=6,
    )
)
def test_redacting_twice_has_no_further_effect(parts: list[str]) -> None:
    redactor = Redactor()
    once = redactor.redact("\n".join(parts))
    assert redactor.redact(once) == once
