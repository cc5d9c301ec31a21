"""Values of a request are followed into the places where they do harm."""

import pytest

from app.analyzers.taint import find_taint_hits
from app.domain.finding import Severity

ROUTE = '@app.route("/x")\n'


def found(source: str) -> list[tuple[int, str]]:
    return [(hit.start_line, hit.rule_id) for hit in find_taint_hits("a.py", source)]


@pytest.mark.parametrize(
    ("line", "rule_id"),
    [
        ('db.execute("SELECT " + request.args["a"])', "sql-injection"),
        ("os.system(f\"ls {request.form['a']}\")", "command-injection"),
        ('subprocess.run("ls " + request.args["a"], shell=True)', "command-injection"),
        ('eval(request.args["a"])', "code-injection"),
        ('open("files/" + request.args["a"])', "path-traversal"),
        ('redirect(request.args["next"])', "open-redirect"),
        ('render_template_string("<p>" + request.args["a"])', "template-injection"),
        ('requests.get(request.args["url"])', "ssrf"),
        ("pickle.loads(request.data)", "insecure-deserialization"),
        ('Markup(request.args["a"])', "xss"),
        ('return "<p>" + request.args["a"]', "xss"),
    ],
)
def test_a_request_is_followed_into_each_sink(line: str, rule_id: str) -> None:
    assert found(f"{ROUTE}def view():\n    {line}\n") == [(3, rule_id)]


@pytest.mark.parametrize(
    "line",
    [
        'db.execute("SELECT a WHERE b = ?", (request.args["a"],))',
        'subprocess.run(["ls", request.args["a"]])',
        'open(secure_filename(request.args["a"]))',
        'db.execute("SELECT a WHERE b = %d" % int(request.args["a"]))',
        'return jsonify("<p>" + request.args["a"])',
        'return "<p>" + escape(request.args["a"])',
        'redirect(url_for("home", next=request.args["next"]))',
    ],
)
def test_what_is_made_safe_is_no_flow(line: str) -> None:
    assert found(f"{ROUTE}def view():\n    {line}\n") == []


def test_the_line_is_where_the_statement_is_built() -> None:
    source = f"{ROUTE}def view(name):\n    q = 'SELECT ' + name\n    rows = None\n    return db.execute(q)\n"
    assert found(source) == [(3, "sql-injection")]


def test_parameters_of_a_route_come_from_the_request() -> None:
    assert found('@router.get("/f/{name}")\nasync def f(name: str):\n    open(name)\n') == [
        (3, "path-traversal")
    ]


def test_a_numeric_parameter_is_harmless() -> None:
    assert found('@router.get("/f/{n}")\nasync def f(n: int):\n    db.execute("SELECT %s" % n)\n') == []


def test_parameters_of_other_functions_are_not_the_request() -> None:
    assert found("def load(name):\n    return open(name)\n") == []


def test_a_helper_called_with_the_request_counts() -> None:
    source = (
        f"def load(name):\n    return open('a/' + name)\n{ROUTE}def view():\n    load(request.args['n'])\n"
    )
    assert found(source) == [(2, "path-traversal")]


@pytest.mark.parametrize(
    "check",
    [
        "if name not in ALLOWED:\n        abort(400)",
        "if not is_safe(name):\n        return None",
        'if ".." in name:\n        raise Bad',
    ],
)
def test_an_early_exit_makes_a_value_safe(check: str) -> None:
    assert found(f"{ROUTE}def view(name):\n    {check}\n    open(name)\n") == []


def test_a_check_without_an_exit_makes_nothing_safe_below() -> None:
    source = f"{ROUTE}def view(name):\n    if name not in ALLOWED:\n        log(name)\n    open(name)\n"
    assert found(source) == [(5, "path-traversal")]


def test_a_flow_from_a_request_into_sql_is_critical() -> None:
    hits = find_taint_hits("a.py", f"{ROUTE}def view(a):\n    db.execute(f'SELECT {{a}}')\n")
    assert [hit.severity for hit in hits] == [Severity.CRITICAL]
