"""Authentication: App JWTs, installation tokens and user tokens, and what each may do.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.types import Options

from github_sandbox.errors import ApiError, forbidden, invalid, not_found
from github_sandbox.model import HubState, RepositoryState
from github_sandbox.state import Account, Installation

TOKEN_LIFE_S = 3600.0
JWT_LIFE_S = 600
STATELESS_LENGTH = 520
_LEVELS = ("read", "write", "admin")
_CLOCK_DRIFT_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who sends a request: `kind` is app, installation, user or anonymous."""

    kind: str
    account: Account | None = None
    installation: Installation | None = None
    permissions: Mapping[str, str] | None = None
    repositories: frozenset[str] | None = None
    expires_at: float | None = None

    @property
    def key(self) -> str:
        """The key of the actor's rate limit."""
        return f"{self.kind}:{self.installation.id if self.installation else self.account and self.account.login}"

    def covers(self, repository: RepositoryState) -> bool:
        """Whether the repository exists for the actor."""
        if self.kind == "user":
            assert self.account is not None
            return repository.role(self.account.login) != "none"
        if self.kind != "installation":
            return not repository.private
        assert self.installation is not None
        chosen = self.repositories is None or repository.full_name in self.repositories
        return chosen and self.installation.covers(repository.full_name)

    def may(self, needs: str, repository: RepositoryState | None) -> bool:
        """Whether the actor has a permission such as `checks:write`."""
        area, level = needs.split(":")
        if self.kind == "installation":
            has = (self.permissions or {}).get(area)
            return has is not None and _LEVELS.index(has) >= _LEVELS.index(level)
        if self.kind == "user":
            return self._user_may(area, level, repository)
        return level == "read" and area in ("metadata", "contents", "pull_requests", "issues", "checks")

    def _user_may(self, area: str, level: str, repository: RepositoryState | None) -> bool:
        if level == "read" or area in ("pull_requests", "issues"):
            return True
        if area == "checks":  # only Apps write check runs
            return False
        login = self.account.login if self.account else ""
        return repository is not None and repository.role(login) in ("admin", "maintain", "write")


ANONYMOUS = Actor(kind="anonymous")


def _bad_credentials() -> ApiError:
    return ApiError(401, "Bad credentials")


def _bad_jwt(message: str) -> ApiError:
    return ApiError(401, message)


class Tokens:
    """Creates tokens and recognizes them."""

    def __init__(self, hub: HubState) -> None:
        self._hub = hub
        self._actors: dict[str, Actor] = {}
        self.stateless = True

    def actor(self, authorization: str | None) -> Actor:
        """The sender of a request, by its Authorization header; 401 for an unknown or expired token."""
        if not authorization:
            return ANONYMOUS
        token = _token_in(authorization)
        if token.count(".") == 2 and not token.startswith("ghs_"):
            return self._app_actor(token)
        actor = self._actors.get(token)
        if actor is None or (actor.expires_at is not None and actor.expires_at <= self._hub.clock()):
            raise _bad_credentials()
        if actor.installation is not None:
            self._check_alive(actor.installation)
        return actor

    @staticmethod
    def _check_alive(installation: Installation) -> None:
        if installation.deleted:
            raise _bad_credentials()
        if installation.suspended_at is not None:
            raise ApiError(403, "This installation has been suspended")

    def _app_actor(self, token: str) -> Actor:
        claims = self._verified_claims(token)
        now = self._hub.clock()
        app = self._hub.app
        if str(claims.get("iss")) not in (str(app.id), app.client_id):
            raise _bad_jwt("A JSON web token could not be decoded")
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int) or issued > now + _CLOCK_DRIFT_S:
            raise _bad_jwt(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
            )
        if not isinstance(expires, int) or expires <= now:
            raise _bad_jwt(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
                "assertion expires"
            )
        if expires > now + JWT_LIFE_S:
            raise _bad_jwt("'Expiration time' claim ('exp') is too far in the future")
        return Actor(kind="app", account=self._hub.bot)

    def _verified_claims(self, token: str) -> dict[str, Any]:
        key = _public_key(self._hub.app.private_key)
        unchecked: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
        try:
            return jwt.decode(token, key, algorithms=["RS256"], options=unchecked)
        except jwt.PyJWTError as error:
            raise _bad_jwt("A JSON web token could not be decoded") from error

    def create(
        self,
        installation_id: int,
        *,
        repositories: Iterable[str] | None = None,
        repository_ids: Iterable[int] | None = None,
        permissions: Mapping[str, str] | None = None,
        stateless: bool | None = None,
    ) -> tuple[str, Actor]:
        """Create an installation token for 1 hour, narrowed to repositories and permissions if given."""
        installation = self._hub.installations.get(installation_id)
        if installation is None or installation.deleted:
            raise not_found()
        if installation.suspended_at is not None:
            raise ApiError(403, "This installation has been suspended")
        actor = Actor(
            kind="installation",
            account=self._hub.bot,
            installation=installation,
            permissions=_narrowed(installation.permissions, permissions),
            repositories=self._chosen(installation, repositories, repository_ids),
            expires_at=float(int(self._hub.clock() + TOKEN_LIFE_S)),
        )
        token = self._new_token(self.stateless if stateless is None else stateless)
        self._actors[token] = actor
        return token, actor

    def _chosen(
        self, installation: Installation, names: Iterable[str] | None, ids: Iterable[int] | None
    ) -> frozenset[str] | None:
        if names is None and ids is None:
            return None
        mine = [r for r in self._hub.repositories.values() if installation.covers(r.full_name)]
        wanted_names, wanted_ids = list(names or ()), list(ids or ())
        chosen = {r.full_name for r in mine if r.name in wanted_names or r.id in wanted_ids}
        if len(chosen) < len({*wanted_names, *wanted_ids}):
            raise invalid(
                message="There is at least one repository that does not exist or is not accessible to the parent "
                "installation."
            )
        return frozenset(chosen)

    def _new_token(self, stateless: bool) -> str:
        """Generate `ghs_` and 36 characters, or the long format of 2026 (https://github.blog/changelog/2026-05-15-github-app-installation-tokens-per-request-override-header/)."""
        if not stateless:
            return f"ghs_{secrets.token_hex(18)}"
        head = f"ghs_{self._hub.app.id}_eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        size = STATELESS_LENGTH - len(head) - 44
        return f"{head}{secrets.token_urlsafe(size)[:size]}.{secrets.token_urlsafe(33)[:43]}"

    def revoke_all(self) -> None:
        """Make every token created so far invalid: 401."""
        self._actors.clear()

    def create_user_token(self, login: str) -> str:
        """Create a personal access token."""
        token = f"ghp_{secrets.token_hex(18)}"
        self._actors[token] = Actor(kind="user", account=self._hub.account(login))
        return token


@cache  # one per process, as the key itself
def _public_key(private_key: str) -> "RSAPublicKey":
    key = load_pem_private_key(private_key.encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key.public_key()


def _narrowed(granted: Mapping[str, str], requested: Mapping[str, str] | None) -> dict[str, str]:
    if not requested:
        return dict(granted)
    for area, level in requested.items():
        if area not in granted or _LEVELS.index(level) > _LEVELS.index(granted[area]):
            raise invalid(message="The permissions requested are not granted to this installation.")
    return {"metadata": "read", **requested}


def _token_in(authorization: str) -> str:
    """The token of `Bearer` or `token`; for git, the password of `Basic`."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() in ("bearer", "token"):
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError) as error:
            raise _bad_credentials() from error
    raise _bad_credentials()


def require(actor: Actor, needs: str, repository: RepositoryState | None) -> None:
    """Raise 401 for anonymous writers, 403 for actors without the permission."""
    if actor.kind == "anonymous" and needs.endswith(":write"):
        raise ApiError(401, "Requires authentication")
    if not actor.may(needs, repository):
        raise forbidden()
