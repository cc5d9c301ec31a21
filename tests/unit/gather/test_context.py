"""The context around the diff is small and relevant, in repositories of several languages."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from app.domain.diff import Side
from app.domain.pull_request import Snapshot, TextMatch
from app.domain.review import ContextSnippet
from app.gather.chunks import CHARACTERS_PER_TOKEN
from app.gather.context import LIMITS
from app.gather.gather import Gathered, TierThresholds
from app.github.local import GitRangeSource
from app.publish.notes import context_notes
from tests.unit.gather.fakes import gather_from
from tests.unit.github.repositories import Checkout

LITE = TierThresholds(trivial_max_lines=0)


class Searched:
    """A range of a real repository that records the searches."""

    def __init__(self, directory: Path) -> None:
        self.words: list[str] = []
        self._range = GitRangeSource(directory, "HEAD^..HEAD")

    async def snapshot(self, base_paths: Sequence[str]) -> Snapshot:
        return await self._range.snapshot(base_paths)

    async def blob(self, path: str, side: Side) -> bytes | None:
        return await self._range.blob(path, side)

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        self.words.append(word)
        return await self._range.grep(word, limit=limit)

    def tree(self) -> None:
        return None


class Change:
    """A repository with a base and a head commit, gathered as a small change."""

    def __init__(self, root: Path) -> None:
        self._checkout = Checkout(root / "repository")
        self.source = Searched(self._checkout.directory)

    async def gathered(self, base: dict[str, str], head: dict[str, str]) -> Gathered:
        self._checkout.commit({path: dedent(text) for path, text in base.items()}, "Base")
        self._checkout.commit({path: dedent(text) for path, text in head.items()}, "Head")
        return await gather_from(self.source, thresholds=LITE)

    async def shown(self, base: dict[str, str], head: dict[str, str]) -> list[ContextSnippet]:
        [chunk] = (await self.gathered(base, head)).context.chunks
        return list(chunk.snippets)


@pytest.fixture
def change(tmp_path: Path) -> Change:
    return Change(tmp_path)


def text_of(snippets: list[ContextSnippet], path: str) -> str:
    return "\n…\n".join(each.text for each in snippets if each.path == path)


FILLER = "\n".join(f"# line {n}" for n in range(150)) + "\n"

PYTHON = {
    "reports/tenancy.py": "def current_tenant():\n    return 1\n",
    "reports/render.py": "from reports.tenancy import current_tenant\n\n\n"
    "def render_month(db, month):\n    return db.run(current_tenant(), month)\n",
    "reports/store.py": '''\
        import threading


        class ReportStore:
            """Keeps reports; one for the whole process."""

            limit = 500

            def __init__(self, clock):
                self._clock = clock
                self._lock = threading.Lock()

            def unrelated(self):
                return self.limit

            def another(self):
                return self.limit * 2

            def keep(self, key, report):
                """Replaces what is there."""
                with self._lock:
                    self.reports[key] = report
        ''',
    "other/render.py": "def render_month(something_else):\n    return None\n",
    "reports/views.py": f"import time\n\n{FILLER}\n\ndef monthly(db, month):\n    return None\n",
    "reports/routes.py": "from reports.views import monthly\n\n\ndef mount(app):\n    app.get('/m')(monthly)\n",
    "tests/test_views.py": "from reports.views import monthly\n\n\ndef test_it():\n    monthly(None, 1)\n",
    "reports/jobs.py": "from reports.views import monthly\n\n\ndef nightly(db):\n"
    "    for month in range(12):\n        monthly(db, month)\n",
}
PYTHON_HEAD = {
    "reports/views.py": "import threading\nimport time\n\nfrom reports.render import render_month\n"
    f"from reports.store import ReportStore\n\n{FILLER}\nstore = ReportStore(time.monotonic)\nguard = threading.Lock()\n\n\n"
    "def monthly(db, month):\n    with guard:\n        report = render_month(db, month)\n"
    "        store.keep((month,), report)\n        print(report.strip())\n    return report\n"
}


async def test_python_names_imported_from_the_same_package_come_before_builtins(change: Change) -> None:
    snippets = await change.shown(PYTHON, PYTHON_HEAD)
    assert "return db.run(current_tenant(), month)" in text_of(snippets, "reports/render.py")
    assert text_of(snippets, "other/render.py") == ""
    assert change.source.words[:2] == ["render_month", "ReportStore"]
    assert not {"Lock", "print", "strip", "report", "monotonic"} & set(change.source.words)


async def test_python_a_class_is_shown_with_its_head_and_the_used_members(change: Change) -> None:
    text = text_of(await change.shown(PYTHON, PYTHON_HEAD), "reports/store.py")
    assert (
        'class ReportStore:\n    """Keeps reports; one for the whole process."""\n\n    limit = 500' in text
    )
    assert "def __init__(self, clock):" in text
    assert "self.reports[key] = report" in text
    assert "unrelated" not in text
    assert "another" not in text


async def test_python_callers_are_shown_with_their_function_and_code_comes_before_tests(
    change: Change,
) -> None:
    snippets = await change.shown(PYTHON, PYTHON_HEAD)
    callers = [(each.path, each.text) for each in snippets if each.kind == "uses monthly"]
    assert callers[0] == (
        "reports/jobs.py",
        "def nightly(db):\n    for month in range(12):\n        monthly(db, month)",
    )
    assert [path for path, _ in callers] == ["reports/jobs.py", "reports/routes.py", "tests/test_views.py"]


async def test_the_report_lists_the_files_of_the_context(change: Change) -> None:
    gathered = await change.gathered(PYTHON, PYTHON_HEAD)
    [note] = context_notes(gathered.context, invalid_patterns=())
    assert "(definition, uses)" in note
    assert "reports/render.py, reports/store.py" in note


TYPESCRIPT = {
    "src/money.ts": "export const CENTS = 100;\n\nexport function round(value: number): number {\n"
    "  return Math.trunc(value);\n}\n",
    "src/orders/repository.ts": """\
        export interface Order {
          id: number;
          total: number;
        }

        export class OrderRepository {
          constructor(private readonly db: Db) {}

          async unrelated(): Promise<void> {
            await this.db.run("a");
            await this.db.run("b");
            await this.db.run("c");
            await this.db.run("d");
            await this.db.run("e");
            await this.db.run("f");
          }

          async openOrders(user: number): Promise<Order[]> {
            return this.db.all("select * from orders", [user]);
          }
        }
        """,
    "src/orders/routes.ts": f'import {{ Router }} from "express";\n{FILLER.replace("#", "//")}\nexport const none = 1;\n',
    "lib/round.ts": "export function round(value: string): string {\n  return value;\n}\n",
}
TYPESCRIPT_HEAD = {
    "src/orders/routes.ts": 'import { Router } from "express";\nimport { CENTS, round } from "../money";\n'
    'import { OrderRepository } from "./repository";\n'
    f"{FILLER.replace('#', '//')}\nexport function routes(orders: OrderRepository): Router {{\n"
    "  const router = Router();\n  router.get('/', async (request, response) => {\n"
    "    const found = await orders.openOrders(request.user.id);\n"
    "    response.json(found.map((each) => round(each.total / CENTS)));\n  });\n  return router;\n}\n"
}


async def test_typescript_the_import_decides_between_functions_of_the_same_name(change: Change) -> None:
    snippets = await change.shown(TYPESCRIPT, TYPESCRIPT_HEAD)
    assert "return Math.trunc(value);" in text_of(snippets, "src/money.ts")
    assert "export const CENTS = 100;" in text_of(snippets, "src/money.ts")
    assert text_of(snippets, "lib/round.ts") == ""


async def test_typescript_a_method_is_shown_with_its_class(change: Change) -> None:
    text = text_of(await change.shown(TYPESCRIPT, TYPESCRIPT_HEAD), "src/orders/repository.ts")
    assert "export class OrderRepository {" in text
    assert 'return this.db.all("select * from orders", [user]);' in text
    assert "unrelated" not in text


GO = {
    "go.mod": "module example.org/shop\n",
    "stock/event.go": "package stock\n\n// Event is one change.\ntype Event struct {\n\tSKU string\n\tDelta int\n}\n",
    "stock/sink.go": "package stock\n\nfunc NewSink(size int) *Sink {\n\treturn &Sink{queue: make(chan Event, size)}\n}\n",
    "stock/poll.go": f'package stock\n\nimport "time"\n{FILLER.replace("#", "//")}\nvar every = time.Second\n',
    "cmd/main.go": "package main\n\nfunc Event() {}\n",
}
GO_HEAD = {
    "stock/poll.go": f'package stock\n\nimport (\n\t"sync"\n\t"time"\n)\n{FILLER.replace("#", "//")}\n'
    "func Poll(ticks <-chan time.Time) {\n\tvar lock sync.Mutex\n\tsink := NewSink(8)\n"
    "\tfor range ticks {\n\t\tlock.Lock()\n\t\tsink.Send(Event{Delta: 1})\n\t\tlock.Unlock()\n\t}\n}\n"
}


async def test_go_names_of_the_package_are_found_and_the_standard_library_is_not_searched(
    change: Change,
) -> None:
    snippets = await change.shown(GO, GO_HEAD)
    assert "return &Sink{queue: make(chan Event, size)}" in text_of(snippets, "stock/sink.go")
    assert "Delta int" in text_of(snippets, "stock/event.go")
    assert text_of(snippets, "cmd/main.go") == ""
    assert not {"Mutex", "Lock", "Unlock", "Time", "sync", "time"} & set(change.source.words)


JAVA = {
    "src/shop/Rounding.java": "package shop;\n\nfinal class Rounding {\n    static final int SCALE = 2;\n"
    + "".join(f"\n    static int other{n}() {{\n        return {n};\n    }}\n" for n in range(5))
    + "\n    static BigDecimal cents(BigDecimal value) {\n        return value.setScale(SCALE, RoundingMode.DOWN);\n    }\n}\n",
    "src/shop/Basket.java": "package shop;\n\nclass Basket {\n    int size;\n}\n",
}
JAVA_HEAD = {
    "src/shop/Basket.java": "package shop;\n\nimport java.math.BigDecimal;\n\nclass Basket {\n    int size;\n\n"
    "    BigDecimal total(BigDecimal price) {\n        return Rounding.cents(price.multiply(BigDecimal.valueOf(size)));\n"
    "    }\n}\n"
}


async def test_java_a_called_static_member_is_shown_with_its_class(change: Change) -> None:
    text = text_of(await change.shown(JAVA, JAVA_HEAD), "src/shop/Rounding.java")
    assert "final class Rounding {" in text
    assert "return value.setScale(SCALE, RoundingMode.DOWN);" in text
    assert "other3" not in text
    assert "BigDecimal" not in change.source.words


RUBY = {
    "app/models/team.rb": "class Team\n  SEATS = 5\n\n  def seats_left\n    SEATS - members.count\n  end\nend\n",
    "app/controllers/invitations_controller.rb": "class InvitationsController\n  def create\n  end\nend\n",
}
RUBY_HEAD = {
    "app/controllers/invitations_controller.rb": "class InvitationsController\n  def create\n    team = Team.new\n"
    "    head :conflict if team.seats_left.zero?\n  end\nend\n"
}


async def test_ruby_a_class_is_found_by_its_constant(change: Change) -> None:
    assert "SEATS - members.count" in text_of(await change.shown(RUBY, RUBY_HEAD), "app/models/team.rb")


async def test_a_name_with_several_equally_near_definitions_is_not_shown(change: Change) -> None:
    base = {
        "a/pick.py": "def choose_one(x):\n    return 1\n",
        "b/pick.py": "def choose_one(x):\n    return 2\n",
        "c/use.py": FILLER,
    }
    snippets = await change.shown(base, {"c/use.py": f"{FILLER}\nvalue = choose_one(3)\n"})
    assert "choose_one" in change.source.words
    assert [each.path for each in snippets if each.path != "c/use.py"] == []


@pytest.mark.parametrize("count", [10, 400])
async def test_searches_and_shown_code_stay_within_the_budget(change: Change, count: int) -> None:
    base = {
        f"lib/m{n}.py": f"def worker_{n}(a):\n    '''{'x' * 200}'''\n    return a\n" for n in range(count)
    }
    base["use.py"] = "import lib\n"
    calls = "".join(f"from lib.m{n} import worker_{n}\n" for n in range(count)) + "".join(
        f"value_{n} = worker_{n}({n})\n" for n in range(count // 10)
    )
    gathered = await change.gathered(base, {"use.py": calls})
    [chunk] = gathered.context.chunks
    limits = LIMITS[gathered.tier]
    assert len(change.source.words) <= limits.searches
    assert sum(len(each.text) for each in chunk.snippets) / CHARACTERS_PER_TOKEN <= limits.tokens
    assert chunk.snippets


async def test_minified_lines_are_ignored(change: Change) -> None:
    base = {"lib.js": "export function expand_all(x) {\n  return x;\n}\n", "app.js": "let x = 1;\n"}
    minified = "var " + ",".join(f"a{n}=expand_all(b{n}.call_{n}())" for n in range(20_000)) + ";\n"
    await change.shown(base, {"app.js": f"let x = 2;\n{minified}"})
    assert change.source.words == []


PRICES = {
    "shop/prices.py": "import re\n\nCODE = re.compile(r'^[A-Z]{3}$')\nRATES = {\n"
    + "".join(f"    'c{n}': {n},\n" for n in range(8))
    + "}\nunused = 4\nlimit_cents = 5_000\n"
    + FILLER
    + "\ndef price(code):\n    return 1\n"
}
PRICES_HEAD = {
    "shop/prices.py": PRICES["shop/prices.py"].replace(
        "return 1", "return min(RATES[code], limit_cents) if CODE.match(code) else 0"
    )
}


async def test_used_constants_and_tables_of_the_file_come_first_and_are_complete(
    change: Change,
) -> None:
    snippets = await change.shown(PRICES, PRICES_HEAD)
    texts = [each.text for each in snippets]
    assert {text.partition(" ")[0] for text in texts[:3]} == {"CODE", "RATES", "limit_cents"}
    assert "    'c7': 7,\n}" in text_of(snippets, "shop/prices.py")
    assert "unused" not in text_of(snippets, "shop/prices.py")


async def test_imports_and_closing_brackets_are_not_shown(change: Change) -> None:
    base = {
        "web/page.php": "<?php\n\ndeclare(strict_types=1);\n\nnamespace Web;\n\nuse PDO;\n\n\n\n\necho 1;\n\n\n\n\n}\n",
        "web/team.rb": "class Team < Record\n\n\n\n\n  has_many :members\n\n\n\n\nend\n",
    }
    head = {path: text.replace("1;", "2;").replace(":members", ":users") for path, text in base.items()}
    assert await change.shown(base, head) == []


async def test_lines_of_the_diff_are_not_repeated_as_callers_or_definitions(change: Change) -> None:
    base = {
        "a.py": "def total_of(cart):\n    return cart.sum\n",
        "b.py": "def pay(cart):\n    return None\n",
    }
    head = {
        "a.py": "def total_of(cart):\n    return cart.sum * 2\n",
        "b.py": "def pay(cart):\n    return total_of(cart)\n",
    }
    assert await change.shown(base, head) == []
