"""Error responses: a status, GitHub's message and GitHub's list of errors. The stand-in raises nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

DOCS = "https://docs.github.com/rest"


class ApiError(Exception):
    """An error response.

    `errors` contains objects in most responses, and strings in those to a rejected review.
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
        """The JSON of the response."""
        content: dict[str, Any] = {
            "message": self.message,
            "documentation_url": DOCS,
            "status": str(self.status),
        }
        if self.errors:
            content["errors"] = self.errors
        if self.code:
            content["code"] = self.code
        return content


def not_found() -> ApiError:
    """Return the error for whatever does not exist or is out of reach."""
    return ApiError(404, "Not Found")


def forbidden() -> ApiError:
    """Return the error for an App that lacks a permission."""
    return ApiError(403, "Resource not accessible by integration")


def invalid(*errors: str | dict[str, Any], message: str = "Validation Failed") -> ApiError:
    """Return a 422 with its errors: objects or strings."""
    return ApiError(422, message, errors=errors)


def invalid_field(
    resource: str, field: str, *, code: str = "invalid", message: str | None = None
) -> ApiError:
    """Return a 422 about one field (https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed)."""
    detail = {"resource": resource, "field": field, "code": code}
    return invalid({**detail, "message": message} if message else detail)


def with_strings(error: ApiError) -> ApiError:
    """Convert an error to the form of the review endpoint: its `errors` are strings, not objects."""
    messages = [
        e if isinstance(e, str) else str(e.get("message") or f"{e['field']} {e['code']}")
        for e in error.errors
    ]
    return ApiError(error.status, error.message, errors=messages, headers=error.headers)
