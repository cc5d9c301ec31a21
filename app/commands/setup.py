"""`quorum setup`: registers the App from app.yml through GitHub's manifest flow and writes its credentials to `.env`.

A page on loopback posts the manifest to GitHub from the user's browser. GitHub sends the browser back with a code, which Quorum
exchanges for the credentials. It keeps existing lines of `.env`, shows no secret and is not reachable from other machines.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import asyncio
import socket
import sys
import time
import webbrowser
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from app.commands.setup_files import check_env_file, write_credentials
from app.commands.setup_pages import BACK_PATH, RESERVED_URL, Ping, SetupPages, app_manifest, installation_url
from app.errors import GitHubError, InputError
from app.github.addresses import web_url
from app.github.app import GitHubApp
from app.github.registration import AppCredentials, AppRegistration, convert_manifest
from app.main import Network
from app.settings import Settings, load_settings

HOST = "127.0.0.1"
ENV_FILE = Path(".env")
PING_TIMEOUT_S = 180.0
PING_POLL_S = 3.0
PING_RETRY_S = 15.0
FINAL_PAGE_S = 10.0  # how long the page stays up for a browser that has not shown the final state
POLLING = """
Without a public address, GitHub cannot send webhooks here. Use either
  quorum serve --poll          reads the App's delivery log every ten seconds; no port to open, or
  quorum setup --url https://… behind a proxy or tunnel to `quorum serve`.
"""
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupOptions:
    """The options of the command line."""

    organization: str | None = None
    url: str | None = None
    name: str | None = None
    port: int = 0
    browser: bool = True


def setup(options: SetupOptions) -> int:
    """Register the App; the exit code is 1 if the user interrupts it."""
    settings = load_settings(env_file=ENV_FILE)
    return asyncio.run(register(options, settings))


async def register(
    options: SetupOptions,
    settings: Settings,
    *,
    env_file: Path = ENV_FILE,
    network: Network | None = None,
    open_browser: Callable[[str], object] = webbrowser.open,
    sleep: Sleep = asyncio.sleep,
) -> int:
    """Register the App, from the page to the first ping.

    Raises:
        InputError: an App is already registered, or the address is invalid.
    """
    network = network or Network()
    check_env_file(env_file)
    public_url = _public_url(options.url)
    with socket.create_server((HOST, options.port)) as listener:
        address = f"{HOST}:{listener.getsockname()[1]}"
        pages = SetupPages(
            manifest=app_manifest(
                name=options.name,
                public_url=public_url,
                back_url=f"http://{address}{BACK_PATH}",
                api_url=settings.github_api_url,
            ),
            github_url=web_url(settings.github_api_url),
            organization=options.organization,
            hosts=frozenset({address, address.replace(HOST, "localhost")}),
            convert=lambda code: _convert(code, settings, network, is_polled=public_url is None),
            keep=lambda credentials: write_credentials(
                credentials,
                env_file=env_file,
                key_folder=settings.quorum_data_dir,
                api_url=settings.github_api_url,
            ),
            registered=asyncio.get_running_loop().create_future(),
            ping=Ping.WAITING if public_url else Ping.NOT_EXPECTED,
        )
        async with _served(pages.application(), listener) as server:
            _print(f"Open http://{address}/ in a browser on this machine.")
            if options.browser:
                await asyncio.to_thread(open_browser, f"http://{address}/")
            await asyncio.wait({server, pages.registered}, return_when=asyncio.FIRST_COMPLETED)
            if not pages.registered.done():
                return 1
            await _finish(pages, settings, network, sleep=sleep)
    return 0


async def _convert(code: str, settings: Settings, network: Network, *, is_polled: bool) -> AppCredentials:
    """Exchange the code, and point the hook of a polled App to a name that nobody can ever own.

    If GitHub refuses that name, the hook keeps the one it was registered with, which has no address either.
    """
    credentials = await convert_manifest(code, settings.github_api_url, transport=network.github)
    if is_polled:
        with suppress(GitHubError):
            async with _registered_app(credentials, settings, network) as registration:
                await registration.update_hook_url(RESERVED_URL)
    return credentials


@asynccontextmanager
async def _registered_app(
    credentials: AppCredentials, settings: Settings, network: Network
) -> AsyncGenerator[AppRegistration]:
    app = GitHubApp(
        credentials.app_id, credentials.private_key, settings.github_api_url, transport=network.github
    )
    try:
        yield AppRegistration(app)
    finally:
        await app.aclose()


def _public_url(url: str | None) -> str | None:
    if url is None:
        return None
    if not url.startswith("https://"):
        raise InputError("--url must start with https://. Without a public address, omit it and use --poll.")
    return url.rstrip("/")


@asynccontextmanager
async def _served(app: ASGIApp, listener: socket.socket) -> "AsyncGenerator[asyncio.Task[None]]":
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield task
    finally:
        server.should_exit = True
        await task


async def _finish(pages: SetupPages, settings: Settings, network: Network, *, sleep: Sleep) -> None:
    """Print what the page shows, and return once the browser has shown the final state."""
    credentials = pages.registered.result()
    _print(
        f"The App {credentials.slug} is registered. Its credentials are in .env, and its key is in a separate file."
    )
    _print(f"Install it: {installation_url(credentials)}")
    if pages.ping is Ping.WAITING:
        _print(pages.ping)
        pages.ping = await _fetch_ping(credentials, settings, network, sleep=sleep)
        _print(pages.ping)
    else:
        _print(POLLING.strip("\n"))
    ends = [asyncio.ensure_future(pages.seen.wait()), asyncio.ensure_future(sleep(FINAL_PAGE_S))]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()


async def _fetch_ping(
    credentials: AppCredentials, settings: Settings, network: Network, *, sleep: Sleep
) -> Ping:
    """Wait for GitHub's first ping."""
    try:
        async with _registered_app(credentials, settings, network) as registration:
            arrived = await wait_for_ping(registration, sleep=sleep)
    except GitHubError as error:
        _print(f"GitHub did not report the ping: {error}")
        arrived = False
    return Ping.ARRIVED if arrived else Ping.MISSING


async def wait_for_ping(
    registration: AppRegistration, *, sleep: Sleep, now: Callable[[], float] = time.time
) -> bool:
    """Whether a ping reaches the server. Requests redelivery of a ping that failed.

    Raises:
        GitHubError: the log cannot be read.
    """
    waited_s = 0.0
    while waited_s < PING_TIMEOUT_S:
        attempts = await registration.fetch_deliveries(since=now() - 3_600)
        pings = [attempt for attempt in attempts if attempt.event == "ping"]
        if any(ping.is_ok for ping in pings):
            return True
        if pings and waited_s % PING_RETRY_S == 0:
            await registration.request_redelivery(pings[0].id)
        await sleep(PING_POLL_S)
        waited_s += PING_POLL_S
    return False


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
