"""Two vendors search a risky change, and a verifier looks at the code that decides before it judges."""

from pathlib import Path
from typing import Any

import pytest

from app.domain.model_call import Provider
from app.store.call_tables import ModelCallRow
from tests.fakes.vendor_wire import VendorRequest
from tests.scenarios.vendors import NOTHING, finding, task_of
from tests.scenarios.world import open_world

LOGIN = (
    "from db import find\n\n\ndef login(name, word):\n    user = find(name)\n    return user.word == word\n"
)
DB = "def find(name):\n    return USERS.get(name)\n"
BUG = finding("auth.py", "    return user.word == word", line=6, title="An unknown name crashes the login")
LOOK = {"kind": "definition", "name": "find", "path": None, "start_line": None, "end_line": None}


@pytest.mark.slow
async def test_two_vendors_search_and_a_verifier_looks_before_it_judges(tmp_path: Path) -> None:
    files = {"db.py": DB, "other.py": "x = 1\n"}
    async with open_world(tmp_path, files=files, config="finders: 2\n") as world:
        for vendor in (world.vendors.claude, world.vendors.gpt):
            vendor.finds(BUG)
        pull = world.open_pull({"auth.py": LOGIN})
        await world.settle()
        asked = [(request.provider, task_of(request)) for request in world.vendors.requests]
        assert sorted(asked) == [
            (Provider.CLAUDE, "review"),
            (Provider.CLAUDE, "security"),
            (Provider.GEMINI, "docs"),
            (Provider.GPT, "review"),
            (Provider.GPT, "security"),
        ], "a defect that two vendors found needs no verification"
        [comment] = pull.review_comments()
        assert "found by Claude and GPT, independently" in comment.body

        world.vendors.gpt.finds()
        world.vendors.fake.answers[Provider.GPT] = looks_first(world.vendors.gpt.answer)
        other = world.open_pull({"auth.py": f"# Sign in.\n{LOGIN}"}, branch="again")
        await world.settle()
        [summary] = [each.body for each in other.issue_comments if each.user is world.github.bot]
        assert "GPT looked at `db.py:1–2`" in summary
        assert len(other.review_comments()) == 1
        calls = {row.id: row for row in world.rows(ModelCallRow) if row.stage == "verify"}
        [second] = [row for row in calls.values() if row.parent_id in calls]
        assert second.provider == Provider.GPT
        pull.take_all()
        other.take_all()


def looks_first(answer: Any) -> Any:
    """A verifier that looks up a definition once."""

    def look(request: VendorRequest) -> dict[str, Any]:
        is_first = task_of(request) == "verify" and "<looked_up-" not in request.text
        return NOTHING | {"lookups": [LOOK]} if is_first else answer(request)

    return look
