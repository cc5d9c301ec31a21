"""A service over the real pipeline: without keys, or with the strict fake of the three vendors."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from app.main import Network, Program, build_program
from app.mcp_server.scans import DastPolicy
from app.mcp_server.service import ToolService
from app.settings import Settings
from github_sandbox import GitHubSandbox
from tests.scenarios.vendors import Vendors
from tests.scenarios.world import ALL, app_settings


def service_of(program: Program) -> ToolService:
    return ToolService(services=program.services, database=program.database, dast=DastPolicy())


@pytest.fixture
async def keyless(tmp_path: Path) -> AsyncGenerator[ToolService]:
    program = build_program(Settings.model_validate({"quorum_data_dir": tmp_path / "data"}))
    yield service_of(program)
    await program.close()


@pytest.fixture
def vendors() -> Vendors:
    return Vendors()


@pytest.fixture
async def with_models(tmp_path: Path, vendors: Vendors) -> AsyncGenerator[ToolService]:
    given = app_settings(GitHubSandbox(tmp_path / "github"), tmp_path / "data", ALL)
    network = Network(models=vendors.fake.http_client())
    program = build_program(Settings.model_validate(given), network=network)
    yield service_of(program)
    await program.close()
