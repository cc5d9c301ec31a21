"""SDKs take seconds to load: importing Quorum loads none, and `preload` loads them before a review needs them."""

import subprocess
import sys

SCRIPT = """
import asyncio, sys
from app.domain.model_call import Provider
from app.llm.build import ModelSettings, VendorAccess, build_models
from app.llm.router import VendorModels
names = VendorModels(large="gpt-6.2-sol", small="gpt-6-luna")
models = build_models(ModelSettings(access={Provider.GPT: VendorAccess(models=names, api_key="sk-made-up")}))
print("openai" in sys.modules)
asyncio.run(models.preload())
print("openai" in sys.modules, "anthropic" in sys.modules)
"""


def test_only_configured_vendors_sdks_are_loaded_and_only_by_preload() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True", "False"]
