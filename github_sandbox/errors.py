"""How the stand-in says no: a status, GitHub's sentence and GitHub's list of errors. Nothing else is raised by it."""

from collections.abc import Mapping, Sequence
from typing import Any

DOCS = "https://docs.github.com/rest"


class ApiError(Exception):
    """An answer other than success.

    `errors` holds objects in most answers, and plain strings where a review is refused.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Any] = (),
        headers: Mapping[str, str] | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(f"{status} {message} {list(errors) or ''}".strip())
        self.status = status
        self.message = message
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.code = code

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        said: dict[str, Any] = {
            "message": self.message,
            "documentation_url": DOCS,
            "status": str(self.status),
        }
        if self.errors:
            said["errors"] = self.errors
        if self.code:
            said["code"] = self.code
        return said


def not_found() -> ApiError:
    """What GitHub says of everything that is not there or not for the asker."""
    return ApiError(404, "Not Found")


def forbidden() -> ApiError:
    """What an App hears that lacks a permission."""
    return ApiError(403, "Resource not accessible by integration")


def invalid(*errors: str | dict[str, Any], message: str = "Validation Failed") -> ApiError:
    """422 with its errors: objects or strings."""
    return ApiError(422, message, errors=errors)


def invalid_field(
    resource: str, field: str, *, code: str = "invalid", message: str | None = None
) -> ApiError:
    """422 about one field (https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed)."""
    detail = {"resource": resource, "field": field, "code": code}
    return invalid({**detail, "message": message} if message else detail)


def with_strings(error: ApiError) -> ApiError:
    """The same refusal as the review route words it: its `errors` are strings, not objects."""
    said = [
        e if isinstance(e, str) else str(e.get("message") or f"{e['field']} {e['code']}")
        for e in error.errors
    ]
    return ApiError(error.status, error.message, errors=said, headers=error.headers)
