"""`quorum mcp` as another program starts it: in an untrusted checkout."""

import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

QUORUM = str(Path(sys.executable).parent / "quorum")


@pytest.mark.slow
async def test_the_server_ignores_the_settings_of_its_checkout(tmp_path: Path) -> None:
    checkout, state = tmp_path / "checkout", tmp_path / "state"
    (checkout / ".github").mkdir(parents=True)
    (checkout / ".env").write_text("ANTHROPIC_API_KEY=sk-theirs\nANTHROPIC_BASE_URL=http://127.0.0.1:9\n")
    (checkout / ".github" / "quorum.yml").write_text("enabled: false\n")
    server = StdioServerParameters(
        command=QUORUM,
        args=["mcp"],
        cwd=str(checkout),
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_STATE_HOME": str(state)},
    )

    async with Client(server) as client:
        result = await client.call_tool("code_review", {"code": "import os\n\n\nos.system(input())\n"})

    content = result.structured_content
    assert content
    assert content["status"] == "reviewed"
    assert "Not reviewed by a model" in content["result"]
    assert sorted(path.name for path in checkout.iterdir()) == [".env", ".github"]
    assert (state / "quorum" / "quorum.db").exists()
