"""Paid requests to real vendors: `pytest -m live`, with keys in the environment. Not part of the tests."""

import os

import pytest

from app.commands.doctor_checks import CheckResult
from app.commands.doctor_live import run_trials
from app.main import provider_access
from app.settings import load_settings


@pytest.mark.live
@pytest.mark.enable_socket
async def test_every_configured_model_works_with_the_real_schema() -> None:
    access = provider_access(load_settings(env_file=None), os.environ)
    if not any(each.is_usable(provider) for provider, each in access.items()):
        pytest.skip("no key is set, e.g. ANTHROPIC_API_KEY")
    lines = [check async for check in run_trials(access)]
    assert [str(check) for check in lines if check.result is CheckResult.FAILURE] == []
