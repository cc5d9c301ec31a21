"""Webhooks that never arrive: the App reads the delivery log, and every pull request is reviewed."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.main import Network, build_program
from app.serving.app import build_served
from app.settings import Settings
from app.store.deliveries import load_queue_depth
from github_sandbox import GitHubSandbox
from github_sandbox.sandbox import serve
from tests.scenarios.world import FILES, REPOSITORY, app_settings


async def nobody(headers: Mapping[str, str], body: bytes) -> int:
    raise ConnectionError


@pytest.mark.parametrize("how", [{"poll": True}, {"recover": True}])
async def test_events_during_downtime_are_reviewed(tmp_path: Path, how: dict[str, Any]) -> None:
    github = GitHubSandbox(tmp_path / "github")
    repository = github.create_repository(REPOSITORY, FILES)
    pulls = [repository.open_pull({f"new_{number}.py": "eval(input())\n"}) for number in range(3)]
    pulls[0].push({"new_0.py": "exec(input())\n"})
    await github.deliver_all(nobody)

    async with serve(github):  # for git
        network = Network(github=github.transport())
        settings = Settings.model_validate(app_settings(github, tmp_path / "data", ()))
        served = build_served(build_program(settings, network=network), network=network, **how)
        async with served.http.router.lifespan_context(served.http):
            while not all(pull.reviews for pull in pulls) or any(  # noqa: ASYNC110 - other threads write the rows
                (await asyncio.to_thread(load_queue_depth, served.program.database)).values()
            ):
                await asyncio.sleep(0.02)

    assert [len(pull.reviews) for pull in pulls] == [1, 1, 1]
    assert pulls[0].reviews[0].commit_id == pulls[0].head_sha
