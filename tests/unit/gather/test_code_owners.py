"""The examples of GitHub's page about code owners, and what is easy to get wrong.

https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
"""

import pytest

from app.gather.code_owners import MAX_RULES, CodeOwners

FILE = """\
# This is a comment.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs@example.com
apps/ @octocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/github
/web/[id]/my\\ page.ts @web
!no @skipped
nobody skipped-too
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("README.md", ["@global-owner1", "@global-owner2"]),
        ("src/deep/a.js", ["@js-owner"]),
        ("main.go", ["docs@example.com"]),
        ("build/logs/x/y.bin", ["@octocat"]),
        ("old/build/logs.bin", ["@global-owner1", "@global-owner2"]),
        ("docs/getting-started.md", ["docs@example.com"]),
        ("docs/build-app/troubleshooting.md", ["@global-owner1", "@global-owner2"]),
        ("other/apps/x.py", ["@octocat"]),
        ("scripts/run.sh", ["@doctocat", "@octocat"]),
        ("deeply/nested/logs/a", ["@octocat"]),
        ("apps/github/readme", []),
        ("web/[id]/my page.ts", ["@web"]),
        ("no", ["@global-owner1", "@global-owner2"]),
        ("nobody", ["@global-owner1", "@global-owner2"]),
    ],
)
def test_the_last_rule_that_matches_names_the_owners(path: str, owners: list[str]) -> None:
    assert list(CodeOwners({"CODEOWNERS": FILE.encode()}).owners_of(path)) == owners


def test_github_uses_the_file_in_dot_github_then_the_root_then_docs() -> None:
    files = {
        "docs/CODEOWNERS": b"* @docs",
        "CODEOWNERS": b"\xef\xbb\xbf* @root\r\n",
        ".github/CODEOWNERS": b"* @github",
    }
    found: list[str] = []
    for path in (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"):
        found += CodeOwners(files).owners_of("a.py")
        del files[path]
    assert found == ["@github", "@root", "@docs"]
    assert CodeOwners(files).owners_of("a.py") == ()


@pytest.mark.parametrize("hostile", ["*a" * 100_000, "/**/a" * 300, "\\", "a" * 2_000_000, "\x00"])
def test_a_hostile_file_is_read_in_linear_time_and_the_other_rules_apply(hostile: str) -> None:
    owners = CodeOwners({"CODEOWNERS": f"* @all\n{hostile} @hostile\n".encode()})
    assert owners.owners_of("b/" * 2_000) == ("@all",)


@pytest.mark.parametrize(
    "hostile",
    ["a" * 1_001, "*/" * 400, "?" * 41],
)
def test_a_rule_that_is_too_complex_is_left_out_alone(hostile: str) -> None:
    owners = CodeOwners({"CODEOWNERS": f"/src/ @other\n{hostile} @hostile\n/src/ @team\n".encode()})
    assert owners.owners_of("src/a.py") == ("@team",)


def test_only_the_last_rules_of_a_long_file_are_read_and_none_of_one_that_github_ignores() -> None:
    many = CodeOwners({"CODEOWNERS": b"a.py @first\n" + b"b.py @b\n" * MAX_RULES})
    assert (many.owners_of("a.py"), many.owners_of("b.py"), many.is_complete) == ((), ("@b",), False)
    huge = CodeOwners({"CODEOWNERS": b"* @all\n" + b"#" * 3_000_000})
    assert (huge.owners_of("a.py"), huge.is_complete) == ((), False)
    assert CodeOwners({"CODEOWNERS": FILE.encode()}).is_complete
