"""The GraphQL endpoint: queries and mutations over a part of GitHub's published schema.

https://docs.github.com/en/graphql
"""

from collections.abc import Callable
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    build_schema,
    execute_sync,  # pyright: ignore[reportUnknownVariableType]
    parse,
    validate,
)
from starlette.responses import Response

from github_sandbox.call import Call, answer
from github_sandbox.errors import ApiError
from github_sandbox.graphql_cost import points_of
from github_sandbox.graphql_pulls import PullViews
from github_sandbox.graphql_values import QueryError, as_query_error, later, refused
from github_sandbox.repository import Pull, Repository
from github_sandbox.state import IssueComment, Json, Review, ReviewComment, ReviewThread, timestamp

SCHEMA_PATH = Path(__file__).with_name("schema.graphql")
_Item = TypeVar("_Item", bound="ReviewThread | IssueComment | ReviewComment | Review")


@cache
def schema() -> "GraphQLSchema":
    """The part of GitHub's schema that the stand-in answers."""
    return build_schema(SCHEMA_PATH.read_text(encoding="utf-8"))


async def serve(call: Call) -> Response:
    """Answer a query: 200 with `data` and, if something failed, `errors` that have a `type`."""
    text = call.body.get("query")
    if not isinstance(text, str):
        raise ApiError(400, "A query attribute must be specified and must be a string.")
    try:
        document = parsed(text)
    except GraphQLSyntaxError as error:
        return answer({"errors": [_error(error)]})
    variables: Json = call.body.get("variables") or {}
    call.points = points_of(document, variables)
    call.operations.append(_operation_name(document))
    result = _executed(call, document, text, variables)
    response: Json = {"data": result.data}
    if result.errors:
        response["errors"] = [_error(error) for error in result.errors]
        if result.data is None:
            del response["data"]
    return answer(response)


@lru_cache(maxsize=256)  # clients send the same few documents
def parsed(text: str) -> "DocumentNode":
    """Parse a document; raises `GraphQLSyntaxError`."""
    return parse(text)


@lru_cache(maxsize=256)
def faults_of(text: str) -> tuple["GraphQLError", ...]:
    """The validation errors of a document that could be parsed."""
    return tuple(validate(schema(), parsed(text)))


def _executed(call: Call, document: "DocumentNode", text: str, variables: Json) -> "ExecutionResult":
    if faults := faults_of(text):
        return ExecutionResult(data=None, errors=list(faults))
    return execute_sync(schema(), document, root_value=_Root(call).fields(), variable_values=variables)


def _operation_name(document: "DocumentNode") -> str:
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            return definition.name.value if definition.name else definition.operation.value
    return ""


def _error(error: "GraphQLError") -> Json:
    """Render an error; GitHub puts `type` next to `message`, not into `extensions`."""
    rendered: Json = dict(error.formatted)
    cause = error.original_error
    if isinstance(cause, QueryError):
        rendered["type"] = cause.type
    elif cause is not None and not isinstance(cause, GraphQLError):
        raise cause  # a bug in the stand-in, not an error in the query
    return rendered


def _given(name: str, resolve: Callable[[Any], object], _info: object, **arguments: object) -> object:
    """Resolve a field that has one argument."""
    return resolve(arguments[name])


class _Root:
    """The fields of Query and Mutation for one request."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._hub = call.hub
        self._views = PullViews(call.actor)

    def fields(self) -> Json:
        """Resolvers by field name."""
        return {
            "repository": self._repository,
            "node": partial(_given, "id", self._node),
            "nodes": partial(_given, "ids", self._nodes),
            "rateLimit": self._rate_limit,
            "viewer": later(self._viewer),
            "resolveReviewThread": partial(_given, "input", partial(self._resolve, resolved=True)),
            "unresolveReviewThread": partial(_given, "input", partial(self._resolve, resolved=False)),
            "minimizeComment": partial(_given, "input", self._minimize),
            "unminimizeComment": partial(_given, "input", self._unminimize),
            "addPullRequestReviewThreadReply": partial(_given, "input", self._reply),
            "updateIssueComment": partial(_given, "input", self._edit),
        }

    def _nodes(self, node_ids: list[str]) -> list[Json]:
        return [self._node(one) for one in node_ids]

    def _viewer(self) -> Json:
        account = self._call.account
        html = self._hub.urls.html
        return {
            "id": f"U_{account.id}",
            "login": account.login,
            "url": f"{html}/{account.login}",
            "resourcePath": f"/{account.login}",
            "avatarUrl": f"{html}/avatars/{account.id}",
        }

    def _rate_limit(self, _info: object, **_given: object) -> Json:
        headers = self._hub.throttle.peek(self._call.actor.key)
        return {
            "cost": self._call.points,
            "nodeCount": 0,
            "limit": int(headers["x-ratelimit-limit"]),
            "remaining": int(headers["x-ratelimit-remaining"]),
            "used": int(headers["x-ratelimit-used"]),
            "resetAt": timestamp(int(headers["x-ratelimit-reset"])),
        }

    def _repository(self, _info: object, owner: str, name: str, **_given: object) -> Json:
        full_name = f"{owner}/{name}"
        repo = next(
            (r for key, r in self._hub.repositories.items() if key.lower() == full_name.lower()), None
        )
        if repo is None or not self._call.actor.covers(repo):
            raise QueryError("NOT_FOUND", f"Could not resolve to a Repository with the name '{full_name}'.")
        return self._views.repository(repo)

    def _pulls(self) -> list[Pull]:
        reached = [r for r in self._hub.repositories.values() if self._call.actor.covers(r)]
        return [pull for repo in reached for pull in repo.pulls.values()]

    def _node(self, node_id: str) -> Json:
        for pull in self._pulls():
            if pull.node_id == node_id:
                return self._views.pull(pull)
            for item in (*pull.threads, *pull.issue_comments, *pull.reviews, *pull.review_comments()):
                if item.node_id == node_id:
                    return self._shown(pull, item)
        for repo in self._hub.repositories.values():
            for run in repo.check_runs.values() if self._call.actor.covers(repo) else ():
                if run.node_id == node_id:
                    return self._views.checks.run(repo, run)
        raise QueryError("NOT_FOUND", f"Could not resolve to a node with the global id of '{node_id}'")

    def _shown(self, pull: Pull, item: ReviewThread | IssueComment | ReviewComment | Review) -> Json:
        match item:
            case ReviewThread():
                return self._views.thread(pull, item)
            case IssueComment():
                return self._views.issue_comment(pull, item)
            case ReviewComment():
                return self._views.review_comment(pull, item)
            case Review():
                return self._views.review(pull, item)

    def _find(self, node_id: str, items_of: "Callable[[Pull], list[_Item]]") -> "tuple[Pull, _Item]":
        for pull in self._pulls():
            for item in items_of(pull):
                if item.node_id == node_id:
                    return pull, item
        raise QueryError("NOT_FOUND", f"Could not resolve to a node with the global id of '{node_id}'")

    def _require(self, repo: Repository, *needs: str) -> None:
        if not any(self._call.actor.may(one, repo) for one in needs):
            raise refused()

    def _resolve(self, given: Json, *, resolved: bool) -> Json:
        """Resolve a thread. This needs `contents: write`, contrary to the documentation (github/gh-aw#35726)."""
        pull, thread = self._find(given["threadId"], lambda p: p.threads)
        self._require(pull.repository, "contents:write")
        self._require(pull.repository, "pull_requests:write")
        pull.resolve(self._call.account, thread, resolved=resolved)
        return {**_echo(given), "thread": self._views.thread(pull, thread)}

    def _minimize(self, given: Json) -> Json:
        pull, item = self._find_minimizable(given)
        pull.minimize(self._call.account, item, given["classifier"])
        return {**_echo(given), "minimizedComment": self._shown(pull, item)}

    def _unminimize(self, given: Json) -> Json:
        pull, item = self._find_minimizable(given)
        pull.unminimize(item)
        return {**_echo(given), "unminimizedComment": self._shown(pull, item)}

    def _find_minimizable(self, given: Json) -> "tuple[Pull, IssueComment | ReviewComment | Review]":
        pull, item = self._find(given["subjectId"], _minimizable)
        self._require(
            pull.repository, "issues:write" if isinstance(item, IssueComment) else "pull_requests:write"
        )
        return pull, item

    def _reply(self, given: Json) -> Json:
        pull, thread = self._find(given["pullRequestReviewThreadId"], lambda p: p.threads)
        self._require(pull.repository, "pull_requests:write")
        try:
            made = pull.reply(self._call.account, thread.root, given["body"])
        except ApiError as error:
            raise as_query_error(error) from error
        return {**_echo(given), "comment": self._views.review_comment(pull, made)}

    def _edit(self, given: Json) -> Json:
        pull, comment = self._find(given["id"], lambda p: p.issue_comments)
        self._require(pull.repository, "issues:write")
        try:
            pull.edit_comment(self._call.account, comment, given["body"])
        except ApiError as error:
            raise as_query_error(error) from error
        return {**_echo(given), "issueComment": self._views.issue_comment(pull, comment)}


def _minimizable(pull: Pull) -> "list[IssueComment | ReviewComment | Review]":
    return [*pull.issue_comments, *pull.review_comments(), *pull.reviews]


def _echo(given: Json) -> dict[str, Any]:
    return {"clientMutationId": given.get("clientMutationId")}
