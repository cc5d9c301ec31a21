"""The page of settings: a repository's configuration with origins, and the check of a pasted file."""

from app.store.database import Database
from tests.unit.dashboard.world import FROM_HERE, Site, add_tenant

FILE = "gate: high\ngat: off\nignore_paths: [<b>de</b>]\n"


async def test_settings_show_values_with_origins_and_check_a_pasted_file(database: Database) -> None:
    add_tenant(database, "r1", repository="octo/shop", installation_id=7)
    add_tenant(database, "r2", repository="octo/other", installation_id=7)
    async with Site(database=database).browser() as browser:
        shown = (await browser.get("/settings?repository=octo/shop")).text
        assert "problem in octo/shop" in shown
        assert shown.index("&#34;high&#34;") < shown.index(
            "&#34;octo/shop&#34;"
        )  # what somebody set comes first
        checked = (await browser.post("/settings/check", data={"text": FILE}, headers=FROM_HERE)).text
        assert "1 problem." in checked
        assert "Line 2" in checked
        assert "&lt;b&gt;de&lt;/b&gt;" in checked
        for text in ("", "a: &x [*x]", "{" * 5_000, "\x00", "- 1", "x" * 300_000):
            answer = await browser.post("/settings/check", data={"text": text}, headers=FROM_HERE)
            assert answer.status_code == 200
        stranger = await browser.post("/settings/check", data={"text": FILE}, headers={"Authorization": ""})
        assert stranger.status_code == 303
