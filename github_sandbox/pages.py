"""The page of a pull request: conversation, checks and changed files, with forms for what people do there.

There is no sign-in: whoever opens the page chooses as whom to act. The forms carry a token, so that no other site can post them.
"""

import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response

from github_sandbox.call import Call, Endpoint
from github_sandbox.errors import ApiError, not_found
from github_sandbox.markdown import render_markdown, suggestion_in
from github_sandbox.repository import Pull
from github_sandbox.state import CheckRun, Comment, IssueComment, Json, Review, ReviewComment, timestamp

_TOKEN = secrets.token_urlsafe(16)
_REACTIONS = {
    "+1": "👍",
    "-1": "👎",
    "laugh": "😄",
    "confused": "😕",
    "heart": "❤️",
    "hooray": "🎉",
    "rocket": "🚀",
    "eyes": "👀",
}
_MARKS = {"success": "✅", "failure": "❌", "neutral": "◻️", "cancelled": "⊘"}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, trim_blocks=True
    )
    filters: dict[str, Any] = {"markdown": _markup, "time": timestamp, "reactions": _count_reactions}
    environment.filters.update(filters)
    shared: dict[str, Any] = {"marks": _MARKS, "emoji": _REACTIONS, "suggestion_in": suggestion_in}
    environment.globals.update(shared)
    return environment


def _markup(text: str) -> Markup:
    return Markup(render_markdown(text))  # noqa: S704 - sanitized


def _count_reactions(comment: Comment) -> list[tuple[str, str, int]]:
    """Each reaction of a comment: its name, emoji and number."""
    names = [reaction.content for reaction in comment.reactions]
    return [(name, emoji, names.count(name)) for name, emoji in _REACTIONS.items() if name in names]


def _pull(call: Call) -> Pull:
    return call.hub.repository(f"{call.text('owner')}/{call.text('repo')}").pull(call.number("number"))


def _conversation(pull: Pull) -> list[IssueComment | Review]:
    """Comments and reviews in the order in which they were written, without reviews that only wrap a reply."""
    reviews = [review for review in pull.reviews if review.body]
    return sorted([*pull.issue_comments, *reviews], key=lambda item: item.id)


def _checks(pull: Pull) -> list[CheckRun]:
    return [run for run in pull.repository.check_runs.values() if run.head_sha == pull.head_sha]


def _has_diagram(pull: Pull) -> bool:
    bodies = [pull.body, *(item.body for item in (*_conversation(pull), *pull.review_comments()))]
    return any("mermaid" in (body or "") for body in bodies)


def _version(pull: Pull) -> str:
    """Changes whenever the page does."""
    texts = [item.body for item in (*_conversation(pull), *pull.review_comments())]
    runs = [(run.status, run.conclusion, run.title) for run in _checks(pull)]
    reactions = [len(item.reactions) for item in (*pull.issue_comments, *pull.review_comments())]
    return f"{hash((pull.head_sha, pull.state, pull.title, pull.body, *texts, *runs, *reactions)):x}"


async def show_pull(call: Call) -> Response:
    """Show a pull request; `?version` only tells whether it has changed."""
    pull = _pull(call)
    if "version" in call.query:
        return PlainTextResponse(_version(pull))
    nonce = secrets.token_urlsafe(12)
    page = _environment().get_template("pull.html")
    people = [login for login, role in pull.repository.roles.items() if role in ("admin", "write")]
    html = page.render(
        pull=pull,
        conversation=_conversation(pull),
        checks=_checks(pull),
        changes=pull.changes(),
        people=sorted(people, reverse=True),
        bot=call.hub.bot,
        token=_TOKEN,
        nonce=nonce,
        diagrams=DIAGRAMS if _has_diagram(pull) else None,
        version=_version(pull),
    )
    policy = (
        # Mermaid writes styles into its drawings; bodies have none, because they are sanitized.
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(html, headers=headers)


async def act(call: Call) -> Response:
    """Do what a form of the page asks for, and show the page again."""
    form = {name: str(value) for name, value in (await call.request.form()).items()}
    if not secrets.compare_digest(form.get("token", ""), _TOKEN):
        raise ApiError(422, "This form is not from this page.")
    pull = _pull(call)
    verb = _VERBS.get(form.get("do", ""))
    if verb is None:
        raise not_found()
    anchor = verb(pull, form)
    return RedirectResponse(f"{call.request.url.path}#{anchor}", status_code=303)


def _comment(pull: Pull, form: Json) -> str:
    return f"issuecomment-{pull.comment(form['as'], form['body']).id}"


def _reply(pull: Pull, form: Json) -> str:
    root = pull.thread_of(_review_comment(pull, form)).root
    return f"discussion_r{pull.reply(form['as'], root, form['body']).id}"


def _react(pull: Pull, form: Json) -> str:
    target = next((each for each in pull.issue_comments if str(each.id) == form["comment"]), None)
    if target:
        pull.react(form["as"], target, form["content"])
        return f"issuecomment-{target.id}"
    comment = _review_comment(pull, form)
    pull.react(form["as"], comment, form["content"])
    return f"discussion_r{comment.id}"


def _resolve(pull: Pull, form: Json) -> str:
    thread = pull.thread_of(_review_comment(pull, form))
    pull.resolve(form["as"], thread, resolved=thread.resolved_by is None)
    return f"discussion_r{thread.root.id}"


def _apply(pull: Pull, form: Json) -> str:
    """Commit a suggestion: it replaces the lines of the comment."""
    comment = _review_comment(pull, form)
    anchor, suggestion = comment.anchor, suggestion_in(comment.body)
    content = pull.repository.git.file(pull.head_sha, anchor.path)
    if suggestion is None or content is None or anchor.line is None:
        raise ApiError(422, "This suggestion can no longer be applied.")
    lines = content.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    lines[(anchor.start_line or anchor.line) - 1 : anchor.line] = [suggestion]
    text = "".join(lines).encode("utf-8", "surrogateescape")
    pull.push({anchor.path: text}, author=form["as"], message=f"Apply a suggestion to {anchor.path}")
    return f"discussion_r{comment.id}"


def _merge(pull: Pull, form: Json) -> str:
    if pull.state == "open":
        pull.merge(form["as"])
    return "conversation"


def _rerun(pull: Pull, form: Json) -> str:
    run = next((run for run in _checks(pull) if str(run.id) == form["check"]), None)
    if run is None:
        raise not_found()
    pull.repository.rerequest(run, form["as"])
    return "checks"


def _review_comment(pull: Pull, form: Json) -> ReviewComment:
    for comment in pull.review_comments():
        if str(comment.id) == form["comment"]:
            return comment
    raise not_found()


_VERBS: dict[str, Callable[[Pull, Json], str]] = {
    "comment": _comment,
    "reply": _reply,
    "react": _react,
    "resolve": _resolve,
    "apply": _apply,
    "merge": _merge,
    "rerun": _rerun,
}


async def show_run(call: Call) -> Response:
    """Show the pull request of a check run."""
    repository = call.hub.repository(f"{call.text('owner')}/{call.text('repo')}")
    run = repository.check_runs.get(call.number("run_id"))
    pulls = [
        pull for pull in repository.pulls.values() if run and run.head_sha in (pull.head_sha, *pull.commits())
    ]
    if not pulls:
        raise not_found()
    return RedirectResponse(f"{pulls[-1].html_url}#checks", status_code=303)


async def show_file(call: Call) -> Response:
    """Show a file at a commit as plain text."""
    repository = call.hub.repository(f"{call.text('owner')}/{call.text('repo')}")
    content = repository.git.file(repository.commit(call.text("ref")), call.text("path"))
    if content is None:
        raise not_found()
    return PlainTextResponse(content.decode("utf-8", "replace"))


async def show_diagram_library(call: Call) -> Response:
    """The library that draws Mermaid diagrams in the browser."""
    del call
    path = Path(__file__).parent / "static" / "mermaid.tiny.js"
    return FileResponse(path, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})


DIAGRAMS = "/static/mermaid.tiny.js"
_PULL = "/{owner}/{repo}/pull/{number:int}"
PAGES = (
    Endpoint("GET", DIAGRAMS, show_diagram_library, "none"),
    Endpoint("GET", _PULL, show_pull, "none"),
    Endpoint("GET", f"{_PULL}/files", show_pull, "none"),
    Endpoint("POST", _PULL, act, "none"),
    Endpoint("POST", f"{_PULL}/files", act, "none"),
    Endpoint("GET", "/{owner}/{repo}/runs/{run_id:int}", show_run, "none"),
    Endpoint("GET", "/{owner}/{repo}/blob/{ref}/{path:path}", show_file, "none"),
)
