"""Fetching over git's smart HTTP, with the real git program against a port of the stand-in.

https://git-scm.com/docs/http-protocol
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from github_sandbox import Fault
from github_sandbox.git import ENVIRONMENT, GitRepository
from github_sandbox.sandbox import post_to, serve
from tests.github_sandbox.conftest import SandboxHarness


async def git(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        "git", *arguments, env=ENVIRONMENT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


@pytest.fixture
async def address(world: SandboxHarness) -> AsyncIterator[str]:
    async with serve(world.sandbox) as root:
        yield f"{root}/acme/payments.git"


async def fetch(address: str, target: Path, wanted: str, token: str | None) -> tuple[int, str]:
    GitRepository(target)
    login = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    header = ["-c", f"http.extraHeader=Authorization: Basic {login}"] if token else []
    return await git("--git-dir", str(target), *header, "fetch", "--depth=1", address, wanted)


@pytest.mark.parametrize("protocol", ["0", "2"])
async def test_a_commit_is_fetched_by_its_sha_with_an_installation_token(
    world: SandboxHarness, address: str, tmp_path: Path, protocol: str
) -> None:
    target = tmp_path / "target.git"
    GitRepository(target)
    await git("--git-dir", str(target), "config", "protocol.version", protocol)
    status, said = await fetch(address, target, world.pull.head_sha, world.token())
    assert status == 0, said
    fetched = GitRepository(target)
    assert fetched.file(world.pull.head_sha, "new.py") == b"one\ntwo\nthree\n"


async def test_the_head_of_a_fork_is_fetched_from_the_base_repository(
    world: SandboxHarness, address: str, tmp_path: Path
) -> None:
    """https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/checking-out-pull-requests-locally"""
    pull = world.repository.open_pull({"x.py": "x\n"}, fork="mallory", author="mallory")
    target = tmp_path / "target.git"
    assert (await fetch(address, target, "refs/pull/2/head", world.token()))[0] == 0
    assert (await git("--git-dir", str(target), "rev-parse", "FETCH_HEAD"))[1].strip() == pull.head_sha


async def test_an_unreachable_commit_is_not_served(
    world: SandboxHarness, address: str, tmp_path: Path
) -> None:
    before = world.pull.head_sha
    world.pull.force_push({"pay.py": "x\n"})
    status, said = await fetch(address, tmp_path / "target.git", before, world.token())
    assert (status != 0, "not our ref" in said) == (True, True)


async def test_private_code_requires_a_valid_token(
    world: SandboxHarness, address: str, tmp_path: Path
) -> None:
    world.repository.private = True
    head = world.pull.head_sha
    assert (await fetch(address, tmp_path / "a.git", head, None))[0] != 0
    assert (await fetch(address, tmp_path / "b.git", head, "ghs_wrong"))[0] != 0
    assert (await fetch(address, tmp_path / "c.git", head, world.token()))[0] == 0


async def test_pushing_is_rejected(world: SandboxHarness, address: str, tmp_path: Path) -> None:
    target = tmp_path / "target.git"
    await fetch(address, target, world.pull.head_sha, None)
    status, _ = await git("--git-dir", str(target), "push", address, "FETCH_HEAD:refs/heads/evil")
    assert (status != 0, world.repository.git.resolve("evil")) == (True, None)


async def test_a_fault_without_a_response_works_on_a_port(world: SandboxHarness, address: str) -> None:
    world.sandbox.faults.inject(Fault.NO_ANSWER, method="GET", path="/pulls/1$")
    async with httpx.AsyncClient(
        base_url=world.sandbox.urls.api, timeout=httpx.Timeout(60, read=0.2)
    ) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/repos/acme/payments/pulls/1")


async def test_webhooks_are_posted_to_a_url(world: SandboxHarness, address: str) -> None:
    async with httpx.AsyncClient() as client:
        root = address.removesuffix("/acme/payments.git")
        (refused, *_) = await world.sandbox.deliver_all(post_to(client, f"{root}/no/receiver"))
        world.sandbox.ping()
        (unreachable,) = await world.sandbox.deliver_all(post_to(client, "http://127.0.0.1:1/"))
    assert (refused.status, refused.status_code) == ("Invalid HTTP Response", 404)
    assert unreachable.status == "failed to connect"


async def test_a_served_stand_in_knows_its_url(world: SandboxHarness, address: str) -> None:
    told = (await world.request("GET", "/pulls/1")).json()
    assert f"{told['base']['repo']['clone_url']}" == address
    assert told["url"].startswith(world.sandbox.urls.api)
