"""The dashboard in a real Chromium: a server on a loopback port, a fresh profile, and strict checks at the end of each test.

Playwright keeps an event loop running in the thread that started it, so async tests could not run their own loop there.
Therefore all of it, including the bodies of the tests, runs in a separate thread.

Without Chromium, the tests are skipped with a reason; in CI they fail.
"""

import inspect
import os
import shutil
import socket
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, expect, sync_playwright

from app.dashboard.access import DashboardAccess
from app.dashboard.live import ReviewBroadcast
from app.dashboard.pages import Dashboard, DashboardPages
from app.domain.job import Delivery, Job
from app.domain.model_call import Provider
from app.llm.circuits import OpenCircuit
from app.llm.costs import BudgetLimits
from app.store.database import Database
from tests.browser import sample

BROWSER_THREAD = ThreadPoolExecutor(max_workers=1)
TOKEN = "the-operators-token"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_MS = 300_000  # of one wait, only bounds a hang; Playwright's default is 5 s
HARMLESS = "Password forms should have (optionally hidden) username fields"  # there is one token and no user


class Queue:
    """The part of the engine that the pages use."""

    def __init__(self) -> None:
        self.replayed: list[str] = []

    async def check(self) -> None:
        return

    async def depth(self) -> dict[str, int]:
        return {"queued": 3, "running": 1}

    async def replay(self, guid: str) -> bool:
        self.replayed.append(guid)
        return True

    async def follow_up(self, delivery: Delivery, job: Job) -> None:
        del delivery, job


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The running server."""

    url: str
    database: Database
    live: ReviewBroadcast
    queue: Queue
    hostile: str  # id of the review whose texts are attacks


@dataclass(kw_only=True)  # without slots: Playwright keeps its listeners on it
class Visit:
    """A page that records console errors and requests to other hosts."""

    page: Page
    site: Site
    complaints: list[str] = field(default_factory=list[str])
    foreign: list[str] = field(default_factory=list[str])

    def open(self, path: str) -> Page:
        """Open a path and wait until the page has loaded."""
        self.page.goto(self.site.url + path)
        return self.page

    def listen(self) -> None:
        """Start recording."""
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and HARMLESS not in message.text:
            self.complaints.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.site.url, "data:")):
            self.foreign.append(request.url)


def chromium() -> str | None:
    """The path of the browser; None if there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def build_site(database: Database, *, token: str | None) -> tuple[FastAPI, ReviewBroadcast, Queue]:
    """Build the pages over a database; the current time is the sample's."""
    live, queue = ReviewBroadcast(clock=lambda: sample.NOW), Queue()
    circuit = OpenCircuit(
        provider=Provider.GEMINI, model=None, opens_in_s=42.0, error="503: the model is overloaded"
    )

    async def open_circuits() -> list[OpenCircuit]:
        return [circuit]

    app = FastAPI()
    dashboard = Dashboard(
        database=database,
        access=DashboardAccess(token=token),
        queue=queue,
        live=live,
        providers=(Provider.CLAUDE, Provider.GPT, Provider.GEMINI),
        open_circuits=open_circuits,
        replay=queue.replay,
        follow_up=queue.follow_up,
        limits=BudgetLimits(review_usd=2.0, repository_month_usd=25.0),
        clock=lambda: sample.NOW,
    )
    DashboardPages(dashboard).add_to(app)
    return app, live, queue


def serve(app: FastAPI) -> Generator[str]:
    """Serve the app in a thread and yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    """Run the body of a test of this directory in Playwright's thread."""
    wanted = inspect.signature(pyfuncitem.obj).parameters
    BROWSER_THREAD.submit(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in wanted}).result()
    return True


@pytest.fixture(scope="session")
def executable() -> str:
    path = chromium()
    if path is None:
        reason = "there is no Chromium: install your system's `chromium` package to run the browser tests"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def site(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('site')}/quorum.db")
    sample.fill(database)
    hostile = sample.add_hostile(database)
    app, live, queue = build_site(database, token=TOKEN)
    for url in serve(app):
        yield Site(url=url, database=database, live=live, queue=queue, hostile=hostile)
    database.close()


@pytest.fixture(scope="session")
def browser(executable: str) -> Generator[Browser]:
    expect.set_options(timeout=TIMEOUT_MS)

    def launch() -> tuple[Playwright, Browser]:
        playwright = sync_playwright().start()
        return playwright, playwright.chromium.launch(
            executable_path=executable, args=ARGUMENTS, timeout=TIMEOUT_MS
        )

    playwright, launched = BROWSER_THREAD.submit(launch).result()
    yield launched
    BROWSER_THREAD.submit(launched.close).result()
    BROWSER_THREAD.submit(playwright.stop).result()


def begin_visit(site: Site, browser: Browser, headers: dict[str, str]) -> Visit:
    """A page in its own profile."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, extra_http_headers=headers)
    context.set_default_timeout(TIMEOUT_MS)
    visit = Visit(page=context.new_page(), site=site)
    visit.listen()
    return visit


@pytest.fixture
def visit(site: Site, browser: Browser) -> Generator[Visit]:
    """A visit with the token; at its end there were no console errors and no requests to other hosts."""
    visit = BROWSER_THREAD.submit(begin_visit, site, browser, {"Authorization": f"Bearer {TOKEN}"}).result()
    yield visit
    BROWSER_THREAD.submit(visit.page.context.close).result()
    assert visit.complaints == []
    assert visit.foreign == []


@pytest.fixture
def stranger(site: Site, browser: Browser) -> Generator[Visit]:
    """A visit without the token; at its end there were no requests to other hosts."""
    visit = BROWSER_THREAD.submit(begin_visit, site, browser, {}).result()
    yield visit
    BROWSER_THREAD.submit(visit.page.context.close).result()
    assert visit.foreign == []


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """A page in its own profile; at its end there were no console errors."""
    complaints: list[str] = []

    def open_page() -> Page:
        page = browser.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    page = BROWSER_THREAD.submit(open_page).result()
    yield page
    BROWSER_THREAD.submit(page.context.close).result()
    assert complaints == []
