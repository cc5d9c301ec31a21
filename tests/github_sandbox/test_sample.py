"""The demo's pull request contains its defects, each on a line that can be commented on."""

from collections.abc import Callable

import pytest

from github_sandbox import Anchor, GitHubSandbox
from github_sandbox.reviews import anchor_error
from github_sandbox.sample import build_sample

FAULTS = {
    "a statement put together from a parameter": ("payments/charges.py", "reference"),
    "a file that nobody closes": ("payments/export.py", "open(target"),
    "a public function that nobody described": ("payments/export.py", "def export_charges"),
    "a page that begins one page too late": ("payments/statements.py", "start = page * PAGE_SIZE"),
    "a page that lacks its last row": ("web/src/results.ts", "PAGE_SIZE - 1"),
    "a refund that anybody may make": ("payments/api.py", "refund(connection, charge_id"),
    "text of others written as markup": ("web/src/results.ts", "innerHTML"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_defect_of_the_sample_is_on_an_added_line(
    make_sandbox: Callable[..., GitHubSandbox], fault: str
) -> None:
    pull = build_sample(make_sandbox())
    path, text = FAULTS[fault]
    change = next(c for c in pull.changes() if c.filename == path)
    lines = [row[2] for hunk in change.hunks for row in hunk.rows if row[0] == "+" and text in row[3]]
    assert lines
    assert anchor_error(pull.changes(), Anchor(path=path, line=lines[0])) is None


def test_the_sample_is_a_pull_request_of_eight_files_in_three_languages(
    make_sandbox: Callable[..., GitHubSandbox],
) -> None:
    pull = build_sample(make_sandbox())
    changed = {c.filename: c.status for c in pull.changes()}
    assert (len(changed), sorted({name.rpartition(".")[2] for name in changed})) == (8, ["md", "py", "ts"])
    assert pull.repository.git.file(pull.base_sha, ".github/quorum.yml") is not None
    assert [d.event for d in pull.hub.hook.queue] == ["check_suite", "pull_request"]
