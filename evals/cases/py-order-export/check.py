import sqlite3
import sys
import types


class Aborted(Exception):
    """flask.abort."""


def abort(*args, **kwargs):
    raise Aborted(args)


class Stub(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: args[0] if args else None


class Blueprint:
    def __init__(self, *args):
        pass

    def get(self, path):
        return lambda view: view


flask, login = Stub("flask"), Stub("flask_login")
database = sqlite3.connect(":memory:")
database.row_factory = sqlite3.Row
database.execute("CREATE TABLE orders (id INTEGER, customer_id, placed_at, total_cents, status)")
database.executemany(
    "INSERT INTO orders VALUES (?, ?, ?, ?, ?)",
    [(1, 9, "2026-01-01", 300, "c"), (2, 8, "2026-01-02", 100, "b"), (3, 7, "2026-01-03", 200, "a")],
)
flask.Blueprint, flask.abort, flask.g = Blueprint, abort, types.SimpleNamespace()
flask.Response = lambda text, **kwargs: text
flask.request = types.SimpleNamespace(args={})
sys.modules |= {"flask": flask, "flask_login": login}

import shop.db

shop.db.connection = lambda: database
import shop.views


def export(**args):
    flask.request.args = {"from": "2026-01-01", "to": "2026-02-01", **args}
    return [int(line.split(",")[0]) for line in shop.views.export().splitlines()[1:]]


assert export() == [1, 2, 3]
assert export(direction="desc") == [3, 2, 1]
assert export(sort="total_cents") == [2, 3, 1]
assert export(sort="status", direction="desc") == [1, 2, 3]
assert export(sort="customer_id") == [3, 2, 1]
executed = []
database.set_trace_callback(executed.append)
for sort in ("(SELECT 12345)", "id, (SELECT 12345)", "id; SELECT 12345", "id--12345", "total_cents+12345", '"12345'):
    try:
        export(sort=sort)
    except Exception:
        pass
assert not any("12345" in statement for statement in executed), executed
