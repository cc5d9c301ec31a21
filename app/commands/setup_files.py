"""Files that `quorum setup` writes: the private key in its own file and the rest in `.env`, both readable only by the owner."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from app.errors import ConfigurationError, InputError
from app.github.addresses import PUBLIC_API_URL
from app.github.registration import AppCredentials

OWNER_ONLY = 0o600


def check_env_file(path: Path) -> None:
    """Raise `InputError` if an App is already registered; its credentials are never overwritten."""
    if any(name.startswith("GITHUB_APP_ID") for name in _names(_read(path))):
        raise InputError(f"{path} already names an App. To register another one, remove its GITHUB_ lines.")


def write_credentials(
    credentials: AppCredentials, *, env_file: Path, key_folder: Path, api_url: str = PUBLIC_API_URL
) -> Path:
    """Write the key and `.env`, and return the key file. Other lines of `.env` stay as they are.

    The file also names the GitHub server if it is not github.com.

    Raises:
        ConfigurationError: a file cannot be written.
    """
    key_file = (key_folder / f"{_safe(credentials.slug)}.private-key.pem").absolute()
    try:
        key_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(key_file, credentials.private_key)
        server = {} if api_url == PUBLIC_API_URL else {"GITHUB_API_URL": _quoted(api_url)}
        variables = server | _variables(credentials, key_file)
        _write(env_file, merge_env(_read(env_file), variables))
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be written: {error.strerror}.") from error
    return key_file


def merge_env(text: str, variables: Mapping[str, str]) -> str:
    """Set these variables in `text`: replace the line that sets one, and append the others."""
    left = dict(variables)
    lines: list[str] = []
    for line in text.removesuffix("\n").split("\n") if text else ():
        name = _name(line)
        lines.append(f"{name}={left.pop(name)}" if name in left else line)
    return "\n".join([*lines, *(f"{name}={value}" for name, value in left.items())]) + "\n"


def _variables(credentials: AppCredentials, key_file: Path) -> dict[str, str]:
    return {
        "GITHUB_APP_ID": str(credentials.app_id),
        "GITHUB_APP_SLUG": credentials.slug,
        "GITHUB_APP_PRIVATE_KEY_PATH": _quoted(str(key_file)),
        "GITHUB_WEBHOOK_SECRET": _quoted(credentials.webhook_secret),
        "GITHUB_CLIENT_ID": credentials.client_id,
        "GITHUB_CLIENT_SECRET": _quoted(credentials.client_secret),
    }


def _quoted(value: str) -> str:
    """Put a value in single quotes if a parser of `.env` could misread it."""
    if all(character.isalnum() or character in "_./-" for character in value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _safe(slug: str) -> str:
    return "".join(character for character in slug if character.isalnum() or character in "-_") or "app"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _names(text: str) -> list[str]:
    return [name for line in text.split("\n") if (name := _name(line))]


def _name(line: str) -> str:
    """The variable that a line sets; empty for comments and blank lines."""
    name, equals, _ = line.removeprefix("export ").partition("=")
    return name.strip() if equals and not line.lstrip().startswith("#") else ""


def _write(path: Path, text: str) -> None:
    """Write atomically and readable only by the owner, even if the file existed with wider permissions."""
    with NamedTemporaryFile("w", dir=path.absolute().parent, delete=False, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(OWNER_ONLY)
    Path(file.name).replace(path)
