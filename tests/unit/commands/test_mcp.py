"""`quorum mcp` as another program starts it: in a checkout that nobody vouches for."""

import sys
from pathlib import Path

from mcp import Client
from mcp.client.stdio import StdioServerParameters

QUORUM = str(Path(sys.executable).parent / "quorum")


async def test_a_checkout_has_no_say_in_the_server_that_is_started_in_it(tmp_path: Path) -> None:
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
        answer = await client.call_tool("code_review", {"code": "import os\n\n\nos.system(input())\n"})

    said = answer.structured_content
    assert said
    assert said["status"] == "reviewed"
    assert "No model reviewed" in said["notes"][0]
    assert sorted(path.name for path in checkout.iterdir()) == [".env", ".github"]
    assert (state / "quorum" / "quorum.db").exists()
