"""Diffs, files and comparisons with GitHub's limits.

https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits
"""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from github_sandbox import DiffLimits, Entry, GitHubSandbox
from tests.github_sandbox.conftest import SandboxHarness

DIFF = "application/vnd.github.diff"


def rows(answer: httpx.Response) -> dict[str, Any]:
    return {row["filename"]: row for row in answer.json()}


async def test_files_have_a_status_counts_and_hunks(world: SandboxHarness) -> None:
    files = rows(await world.request("GET", "/pulls/1/files"))
    told = {name: (f["status"], f["additions"], f["deletions"], f["changes"]) for name, f in files.items()}
    assert told == {
        "pay.py": ("modified", 2, 2, 4),
        "new.py": ("added", 3, 0, 3),
        "old.py": ("removed", 0, 5, 5),
    }
    assert files["new.py"]["patch"] == "@@ -0,0 +1,3 @@\n+one\n+two\n+three"
    assert files["pay.py"]["patch"].count("@@ -") == 2


async def test_binaries_renames_and_large_files_have_no_patch(world: SandboxHarness) -> None:
    """https://github.com/tsantalis/RefactoringMiner/issues/1108"""
    pull = world.repository.open_pull(
        {
            "blob.bin": b"\0\1\2",
            "README.md": None,
            "docs/README.md": "# Pay\n",
            "large.py": "x = 1\n" * 2_081,
        }
    )
    files = rows(await world.request("GET", f"/pulls/{pull.number}/files"))
    assert [name for name, row in files.items() if "patch" in row] == []
    assert files["docs/README.md"]["status"] == "renamed"
    assert files["docs/README.md"]["previous_filename"] == "README.md"
    assert files["large.py"]["additions"] == 2_081


async def test_file_names_are_not_escaped(world: SandboxHarness) -> None:
    names = ["a b.py", 'quo"te.py', "new\nline.py", "tab\t.py", "dir/ä.py"]
    pull = world.repository.open_pull(dict.fromkeys(names, "x = 1\n"))
    assert sorted(rows(await world.request("GET", f"/pulls/{pull.number}/files"))) == sorted(names)


async def test_submodules_and_type_changes_are_listed_as_files(world: SandboxHarness) -> None:
    pull = world.repository.open_pull(
        {"lib": Entry(b"1" * 40, "160000"), "README.md": Entry(b"pay.py", "120000")}
    )
    files = rows(await world.request("GET", f"/pulls/{pull.number}/files"))
    assert files["lib"]["patch"] == f"@@ -0,0 +1 @@\n+Subproject commit {'1' * 40}"
    assert files["README.md"]["status"] == "changed"


async def test_rows_after_20000_patch_lines_show_zeros_unless_pages_are_smaller(
    world: SandboxHarness,
) -> None:
    """https://github.com/orgs/community/discussions/213491"""
    pull = world.repository.open_pull({f"f{n:02}.py": "x\n" * 1_900 for n in range(12)})
    path = f"/pulls/{pull.number}/files"
    whole = (await world.request("GET", path, params={"per_page": 100})).json()
    hidden = [row for row in whole if row["changes"] == 0]
    assert len(hidden) == 2
    assert all("patch" not in row and row["status"] == "added" for row in hidden)
    smaller = (await world.request("GET", path, params={"per_page": 10, "page": 2})).json()
    assert [row["changes"] for row in smaller] == [1_900, 1_900]


async def test_pages_have_link_headers(world: SandboxHarness) -> None:
    """https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api"""
    pull = world.repository.open_pull({f"f{n:03}.py": "x\n" for n in range(205)})
    path = f"/pulls/{pull.number}/files"
    first = await world.request("GET", path, params={"per_page": 200})
    assert len(first.json()) == 100
    assert first.links["next"]["url"].endswith("per_page=200&page=2")
    assert set(first.links) == {"next", "last"}
    last = await world.request("GET", path, params={"per_page": 100, "page": 3})
    assert len(last.json()) == 5
    assert set(last.links) == {"prev", "first"}
    assert len((await world.request("GET", path)).json()) == 30


async def test_at_most_3000_files_are_listed(
    make_sandbox: Callable[..., GitHubSandbox], world: SandboxHarness
) -> None:
    world.sandbox.limits = DiffLimits(listed_files=7)
    pull = world.repository.open_pull({f"f{n}.py": "x\n" for n in range(9)})
    assert len((await world.request("GET", f"/pulls/{pull.number}/files")).json()) == 7
    assert DiffLimits().listed_files == 3_000


async def test_the_diff_media_type_is_what_git_prints(world: SandboxHarness) -> None:
    answer = await world.request("GET", "/pulls/1", accept=DIFF)
    printed = world.repository.git.run("diff", "--full-index", world.pull.base_sha, world.pull.head_sha)
    assert answer.content == printed


@pytest.mark.parametrize(
    "files",
    [
        {f"f{n}.py": "x\n" for n in range(301)},
        {"long.py": "x\n" * 20_001},
        {"wide.py": ("y" * 1_000 + "\n") * 1_001},
    ],
    ids=["files", "lines", "bytes"],
)
async def test_a_diff_that_is_too_large_is_not_acceptable(
    world: SandboxHarness, files: dict[str, str]
) -> None:
    """https://github.com/cpp-linter/cpp-linter-action/issues/249 and https://github.com/dcdpr/jp/issues/642"""
    pull = world.repository.open_pull(files)
    answer = await world.request("GET", f"/pulls/{pull.number}", accept=DIFF)
    assert answer.status_code == 406
    assert answer.json()["errors"][0]["code"] == "too_large"
    compared = await world.request("GET", f"/compare/main...{pull.head_ref}", accept=DIFF)
    assert compared.status_code == 406


async def test_a_comparison_starts_at_the_merge_base(world: SandboxHarness) -> None:
    """https://docs.github.com/en/rest/commits/commits#compare-two-commits"""
    world.repository.push({"later.md": "on main\n"})
    compared = (await world.request("GET", "/compare/main...change-1")).json()
    assert (compared["status"], compared["ahead_by"], compared["behind_by"]) == ("diverged", 1, 1)
    assert compared["merge_base_commit"]["sha"] == world.pull.base_sha
    assert "later.md" not in [row["filename"] for row in compared["files"]]


async def test_a_comparison_has_at_most_300_files_and_250_commits(world: SandboxHarness) -> None:
    world.sandbox.limits = DiffLimits(compare_files=3, compare_commits=2)
    pull = world.repository.open_pull({f"f{n}.py": "x\n" for n in range(5)})
    for n in range(3):
        pull.push({f"g{n}.py": "x\n"})
    compared = (await world.request("GET", f"/compare/main...{pull.head_ref}")).json()
    assert (len(compared["files"]), len(compared["commits"]), compared["total_commits"]) == (3, 2, 4)
    page = (
        await world.request("GET", f"/compare/main...{pull.head_ref}", params={"page": 2, "per_page": 3})
    ).json()
    assert (len(page["files"]), len(page["commits"])) == (0, 1)
    assert (DiffLimits().compare_files, DiffLimits().compare_commits) == (300, 250)


async def test_the_old_head_is_gone_after_a_force_push(world: SandboxHarness) -> None:
    before = world.pull.head_sha
    world.pull.force_push({"pay.py": "rewritten\n"})
    assert (await world.request("GET", f"/compare/{before}...{world.pull.head_sha}")).status_code == 404
    assert (await world.request("GET", f"/commits/{before}")).status_code == 404


async def test_an_old_head_that_is_kept_compares_as_diverged(world: SandboxHarness) -> None:
    before = world.pull.head_sha
    world.pull.force_push({"pay.py": "rewritten\n"}, keep_before=True)
    compared = (await world.request("GET", f"/compare/{before}...{world.pull.head_sha}")).json()
    assert compared["status"] == "diverged"


async def test_contents_are_read_at_a_ref_as_json_or_raw_bytes(world: SandboxHarness) -> None:
    """https://docs.github.com/en/rest/repos/contents"""
    at_head = {"ref": world.pull.head_sha}
    raw = await world.request(
        "GET", "/contents/new.py", accept="application/vnd.github.raw+json", params=at_head
    )
    assert raw.content == b"one\ntwo\nthree\n"
    assert (await world.request("GET", "/contents/new.py")).status_code == 404
    listed = (await world.request("GET", "/contents/.github")).json()
    assert [row["path"] for row in listed] == [".github/quorum.yml"]


async def test_a_file_over_one_megabyte_requires_the_raw_media_type(world: SandboxHarness) -> None:
    world.repository.push({"big.txt": "z" * 1_000_001})
    said = (await world.request("GET", "/contents/big.txt")).json()
    assert (said["encoding"], said["content"]) == ("none", "")
    raw = await world.request("GET", "/contents/big.txt", accept="application/vnd.github.raw+json")
    assert len(raw.content) == 1_000_001


async def test_the_dependency_graph_is_disabled_by_default(world: SandboxHarness) -> None:
    """https://docs.github.com/en/rest/dependency-graph/dependency-review"""
    assert (await world.request("GET", "/dependency-graph/compare/main...change-1")).status_code == 403
