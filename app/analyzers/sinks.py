"""What the taint pass knows of Python's libraries: where requests are read, where values do harm, what makes them safe.

Data only; the pass itself is `taint`.
"""

import ast
from dataclasses import dataclass

from app.domain.finding import Severity


@dataclass(frozen=True, slots=True)
class Sink:
    """An argument of a call that must not come from outside; `needs` narrows it to calls with such a keyword."""

    rule_id: str
    argument: int = 0
    needs: str | None = None

    @property
    def is_text(self) -> bool:
        """Whether the harm is done where the text is put together, not where it is used."""
        return self.rule_id in {"sql-injection", "command-injection", "template-injection"}

    def applies(self, call: ast.Call) -> bool:
        """Whether the call has what the sink needs."""
        if self.needs is None:
            return True
        return any(
            keyword.arg == self.needs
            and isinstance(keyword.value, ast.Constant)
            and keyword.value.value is True
            for keyword in call.keywords
        )


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a flow into such a sink."""

    severity: Severity
    title: str
    explanation: str


SINK_RULES = {
    "sql-injection": Words(
        Severity.CRITICAL,
        "Request becomes part of an SQL statement",
        "A value of the request is put into the text of the statement, so a visitor can change what the database runs: "
        "read, change or delete any row. Write a placeholder (`?` or `%s`) and pass the value as a parameter.",
    ),
    "command-injection": Words(
        Severity.CRITICAL,
        "Request becomes part of a shell command",
        "A visitor can run any command as this process, since the shell reads every quote, `;` and `$` in the value. "
        "Use `subprocess.run([program, argument, …])` without `shell=True`.",
    ),
    "code-injection": Words(
        Severity.CRITICAL,
        "Request is run as code",
        "A visitor can run any Python in this process. Read literals with `ast.literal_eval`, and choose functions from "
        "a fixed dictionary.",
    ),
    "insecure-deserialization": Words(
        Severity.CRITICAL,
        "Request is turned into objects",
        "Loading this format runs whatever the data says. Use JSON.",
    ),
    "template-injection": Words(
        Severity.HIGH,
        "Request becomes part of a template",
        "Templates can call Python, so a visitor can too. Keep the template constant and pass the value as a variable.",
    ),
    "path-traversal": Words(
        Severity.HIGH,
        "Request chooses the file",
        "A name like `../../etc/passwd` leaves the folder that was meant. Resolve the path and check that it is still "
        "inside (`is_relative_to`), or use `send_from_directory`.",
    ),
    "xss": Words(
        Severity.HIGH,
        "Request is shown without escaping",
        "A link with a script in it runs that script in the visitor's browser. Render a template, or escape the value "
        "with `markupsafe.escape`.",
    ),
    "ssrf": Words(
        Severity.HIGH,
        "Request chooses the address that is called",
        "A visitor can make this server call machines that only it can reach, the cloud's metadata among them. Take the "
        "host from a fixed list.",
    ),
    "open-redirect": Words(
        Severity.MEDIUM,
        "Request chooses where the redirect goes",
        "A link to this site can then lead to any other, which makes phishing easy. Redirect to known paths only.",
    ),
}

_SQL = Sink("sql-injection")
_COMMAND = Sink("command-injection")
_SHELL = Sink("command-injection", needs="shell")
_PATH = Sink("path-traversal")
_REDIRECT = Sink("open-redirect")
_SSRF = Sink("ssrf")

# A dotted name, or `*.name` for a method of anything.
SINKS: dict[str, tuple[Sink, ...]] = {
    "*.execute": (_SQL,),
    "*.executemany": (_SQL,),
    "*.executescript": (_SQL,),
    "*.execute_async": (_SQL,),
    "*.raw": (_SQL,),
    "os.system": (_COMMAND,),
    "os.popen": (_COMMAND,),
    "subprocess.getoutput": (_COMMAND,),
    "asyncio.create_subprocess_shell": (_COMMAND,),
    **{f"subprocess.{name}": (_SHELL,) for name in ("run", "call", "check_call", "check_output", "Popen")},
    "eval": (Sink("code-injection"),),
    "exec": (Sink("code-injection"),),
    "pickle.loads": (Sink("insecure-deserialization"),),
    "yaml.load": (Sink("insecure-deserialization"),),
    "yaml.unsafe_load": (Sink("insecure-deserialization"),),
    "render_template_string": (Sink("template-injection"),),
    "jinja2.Template": (Sink("template-injection"),),
    "open": (_PATH,),
    "io.open": (_PATH,),
    "send_file": (_PATH,),
    "FileResponse": (_PATH,),
    "os.remove": (_PATH,),
    "os.unlink": (_PATH,),
    "os.rename": (_PATH, Sink("path-traversal", argument=1)),
    "shutil.rmtree": (_PATH,),
    "redirect": (_REDIRECT,),
    "HttpResponseRedirect": (_REDIRECT,),
    "RedirectResponse": (_REDIRECT,),
    "Markup": (Sink("xss"),),
    "mark_safe": (Sink("xss"),),
    "HTMLResponse": (Sink("xss"),),
    "urllib.request.urlopen": (_SSRF,),
    "urlopen": (_SSRF,),
    **{
        f"{library}.{name}": (_SSRF,)
        for library in ("requests", "httpx")
        for name in ("get", "post", "put", "delete", "head", "patch")
    },
}

SANITIZERS = frozenset(
    {
        "int",
        "float",
        "bool",
        "len",
        "UUID",
        "escape",
        "quote",
        "quote_plus",
        "urlencode",
        "secure_filename",
        "safe_join",
        "basename",
        "url_for",
        "jsonify",
        "literal_eval",
        "hexdigest",
        "strftime",
        "isdigit",
        "render_template",
        "format_html",
        "select",
        "get_or_404",
        "filter_by",
        "query",
    }
)

_ROUTE_WORDS = frozenset(
    {"route", "get", "post", "put", "delete", "patch", "head", "options", "websocket", "api_view"}
)
_REQUEST_FIELDS = frozenset(
    {
        "args",
        "form",
        "values",
        "json",
        "data",
        "files",
        "cookies",
        "headers",
        "query_string",
        "GET",
        "POST",
        "COOKIES",
        "FILES",
        "META",
        "body",
        "query_params",
        "path_params",
        "match_info",
        "get_json",
        "view_args",
        "stream",
    }
)


def is_request_source(node: ast.expr) -> bool:
    """`request.args`, `self.request.GET`. What the operator types (`sys.argv`, `input()`) is no request."""
    match node:
        case ast.Attribute(value=ast.Name(id="request" | "req"), attr=name):
            return name in _REQUEST_FIELDS
        case ast.Attribute(value=ast.Attribute(attr="request"), attr=name):
            return name in _REQUEST_FIELDS
        case _:
            return False


def is_route_decorator(node: ast.expr) -> bool:
    """`@app.get("/…")`, `@router.post(…)`, `@bp.route(…)`: the function's parameters come from the request."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=str(path)), *_]):
            return name in _ROUTE_WORDS and path.startswith("/")
        case _:
            return False
