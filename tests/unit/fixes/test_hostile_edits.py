"""A compromised model cannot get anything written that the rules forbid."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.diff import Diff, FileDiff, FileStatus
from app.domain.fix import FixProblemCode, PathKind, TextEdit
from app.errors import FixRejected
from app.fixes.checks import FixState, apply_allowed
from app.fixes.rules import (
    MAX_CHANGED_LINES,
    MAX_EDIT_CHARACTERS,
    check_answer,
    check_size,
    is_new_test,
    is_untouchable,
)

FORBIDDEN = (
    ".github/workflows/ci.yml", ".GitHub/Workflows/ci.yml", ".github./workflows/ci.yml", ".git/config",
    "a/.git/hooks/post-checkout", ".g\u200bit/config", "\uff0egithub/workflows/x.yml", "CODEOWNERS", "docs/codeowners",
    "package-lock.json", "poetry.lock", "go.sum", "LICENSE", "License.txt", "licences/COPYING", "LICENSE-MIT", "NOTICE",
    ".github/quorum.yml", "quorum.yml", "AGENTS.md", "CLAUDE.md", "requirements.txt", "Makefile", "Dockerfile", "pyproject.toml",
    "package.json", "setup.py", ".gitmodules", ".gitattributes",
)  # fmt: skip
CHANGED = ("pay.py", "deleted.py", "link.py", "vendored", "image.png", *FORBIDDEN)
MOVES = st.sampled_from(
    ["", "./", "../", "/", "a/../", "x\\", "pay.py/", "PAY.PY/../", "C:", "tests/", "tests/../", " "]
)
TAILS = st.sampled_from(["", ".", " ", "/", "/.", "::$DATA", "\0", "\n", "~1"])
PATHS = st.one_of(
    st.tuples(MOVES, st.sampled_from([*CHANGED, "other.py"]), TAILS).map("".join),
    st.sampled_from(FORBIDDEN).map(str.upper),
    st.sampled_from(FORBIDDEN).map(str.title),
    st.sampled_from(["tests/test_pay.py", "test_pay.py", "conftest.py", "tests/../pay.py", "tests/test_a.yml", "Tests/test_pay.py"]),
    st.text(max_size=30),
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(["", "x = 1\n", "x = 1", "y", "[REDACTED:a]", "\u202e", "\0", "a" * 30_000]),
    st.text(max_size=20),
)
EDITS = st.lists(st.builds(TextEdit, path=PATHS, old=TEXTS, new=TEXTS), max_size=4)


def changed(path: str) -> FileDiff:
    return FileDiff(
        path=path,
        status=FileStatus.REMOVED if path == "deleted.py" else FileStatus.MODIFIED,
        binary=path == "image.png",
        submodule=path == "vendored",
    )


@dataclass(frozen=True)
class Head:
    """A head with the changed files, an unchanged one, and a link."""

    files: dict[str, bytes] = field(
        default_factory=lambda: {
            path: b"x = 1\ny = 2\n" for path in [*CHANGED, "other.py", "tests/test_old.py"]
        }
    )

    async def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    async def kind(self, path: str) -> PathKind:
        if path in ("link.py", "vendored", "deleted.py"):
            return PathKind.OTHER
        if path in self.files:
            return PathKind.FILE
        similar = {known.casefold() for known in self.files}
        return PathKind.SIMILAR if path.casefold() in similar else PathKind.ABSENT


STATE = FixState(diff=Diff(files=tuple(map(changed, CHANGED))), head=Head(), fixed={})


def written(edits: list[TextEdit]) -> dict[str, bytes]:
    """Apply the rules; empty if they reject the fix."""
    try:
        check_answer(edits)
        files = asyncio.run(apply_allowed(edits, STATE))
        check_size(files)
    except FixRejected:
        return {}
    return {file.path: file.after for file in files}


@settings(max_examples=300)
@given(edits=EDITS)
def test_no_answer_writes_anything_but_changed_files_and_new_tests(edits: list[TextEdit]) -> None:
    for path, after in written(edits).items():
        assert path == "pay.py" or (is_new_test(path) and path not in Head().files)
        assert 0 < len(after) <= MAX_EDIT_CHARACTERS + 20
        assert b"[REDACTED" not in after
        assert "\u202e" not in after.decode()


# One name for each kind; the names that attackers tried first.
BY_KIND = (
    "dev-requirements.txt", "requirements/base.txt", "reqs/dev.txt", "test_requirements.txt", "requirements-dev.pip",
    "Podfile", "x.gemspec", "Package.swift", "build.sbt", "gems.locked", "gradlew", "gradlew.bat", "mvnw",
    "Directory.Build.props", "GNUmakefile", "Makefile.am", "Jenkinsfile.prod", "ci.jenkinsfile", "api.dockerfile",
    "Dockerfile.dev", "Dockerfile-dev", "Containerfile.prod", "conftest.py", "tests/conftest.py", "noxfile.py",
    "fabfile.py", "CLAUDE.local.md", "SKILL.md", "skills/x/SKILL.md", "OWNERS", "docs/OWNERS", "OWNERS_ALIASES",
    "MAINTAINERS", "build.rs", "build.zig", "configure", "configure.ac", "meson.build", "Rakefile.rb", "gulpfile.js",
    "Gruntfile.js", "karma.conf.js", "vite.config.mts", "babel.config.cts", "webpack.config.babel.js", "conanfile.py",
    "sitecustomize.py", "usercustomize.py", "a.pth", "hooks/pre-commit", "githooks/commit-msg.sh", "mix.exs",
    "flake.nix", "main.bicep", "a.vcxproj", "a.fsproj", "a.pbxproj", "nuget.config", "web.config", "vendor/modules.txt",
    "Cartfile.resolved", "bun.lockb", "gradle.lockfile", "AGENTS.override.md", "copilot-instructions.md",
    "ts.instructions.md", "x.prompt.md", "llms.txt", "CONTRIBUTING", "CONTRIBUTING.rst", "CONTRIBUTING.txt", "SECURITY",
    "SECURITY.txt", "Brewfile", "Fastfile", "Dangerfile", "Berksfile", "Snakefile", "pnpmfile.cjs", "gems.rb",
    "magefile.go", "deps.edn", "dune-project", "a.opam", "a.cabal", "wscript", "SConstruct", "package@swift-5.9.swift",
    "paket.lock", "go.work.sum", "debian/rules", "environment.yml",
)  # fmt: skip
ORDINARY = (
    "tests/test_x.py", "config.py", "app/config.py", "src/hooks/useCart.ts", "hooks/use-cart.ts", "makefile_parser.py",
    "tests/test_dockerfile.py", "requirements.py", "app/requirements/model.py", "security.py", "review.py", "agents.py",
    "owners.py", "profile.py", "upload_file.py", "lock.py", "locks.go", "app/build/plan.py", "docs/guide.md",
    "notes.txt", "src/lib.rs", "main.tf.md", "Cart.swift", "user.service.ts", "cart.spec.ts", "cart.test.js",
    "project.py", "constraints.sql", "prompt.py", "skill.go", "file.py", "vendor.py", "app/agent.py", "conf.py",
    "settings.py", "tasks.py", "manage.py", "README.md", "src/hooks/push-notifications.ts",
)  # fmt: skip


def test_files_that_control_builds_tools_rights_or_agents_are_protected_and_ordinary_code_is_not() -> None:
    assert [path for path in BY_KIND if not is_untouchable(path)] == []
    assert [path for path in ORDINARY if is_untouchable(path)] == []


@given(path=st.sampled_from(FORBIDDEN), upper=st.booleans())
def test_no_spelling_of_a_protected_path_is_allowed(path: str, *, upper: bool) -> None:
    assert is_untouchable(path.upper() if upper else path)
    assert not written([TextEdit(path=path.upper() if upper else path, old="x = 1", new="x = 3")])


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (TextEdit(path=".github/workflows/ci.yml", old="x = 1", new="x = 3"), FixProblemCode.PROTECTED_PATH),
        (TextEdit(path="other.py", old="x = 1", new="x = 3"), FixProblemCode.OUTSIDE_CHANGE),
        (TextEdit(path="new.py", old="", new="x = 3"), FixProblemCode.OUTSIDE_CHANGE),
        (TextEdit(path="link.py", old="x = 1", new="x = 3"), FixProblemCode.NOT_A_FILE),
        (TextEdit(path="vendored", old="x = 1", new="x = 3"), FixProblemCode.NOT_A_FILE),
        (TextEdit(path="image.png", old="x = 1", new="x = 3"), FixProblemCode.NOT_TEXT),
        (TextEdit(path="deleted.py", old="x = 1", new="x = 3"), FixProblemCode.DELETED_FILE),
        (TextEdit(path="Tests/test_old.py", old="", new="x = 3"), FixProblemCode.EXISTS),
        (TextEdit(path="tests/test_old.py", old="x = 1", new="x = 3"), FixProblemCode.OUTSIDE_CHANGE),
        (TextEdit(path="../pay.py", old="x = 1", new="x = 3"), FixProblemCode.INVALID_PATH),
        (TextEdit(path="pay.py", old="x = 1", new="z\n" * (MAX_CHANGED_LINES + 1)), FixProblemCode.TOO_LARGE),
        (TextEdit(path="pay.py", old="x = 1", new="z" * 5_000_000), FixProblemCode.TOO_LARGE),
        (TextEdit(path="pay.py", old="x = 1", new="x = '[REDACTED:key]'"), FixProblemCode.REDACTED),
        (TextEdit(path="pay.py", old="x = 1", new="x = 1 # \u202e"), FixProblemCode.HIDDEN_CHARACTERS),
        (TextEdit(path="pay.py", old="\u200b", new="\u202e"), FixProblemCode.HIDDEN_CHARACTERS),
        (TextEdit(path="pay.py", old="\u202e", new="\u202e\u202e"), FixProblemCode.HIDDEN_CHARACTERS),
    ],
)
async def test_each_rule_says_what_it_forbids(edit: TextEdit, code: FixProblemCode) -> None:
    async def check() -> None:
        check_answer([edit])
        check_size(await apply_allowed([edit], STATE))

    with pytest.raises(FixRejected) as raised:
        await check()
    assert raised.value.code == code


async def test_a_new_test_beside_the_fix_is_allowed() -> None:
    edits = [
        TextEdit(path="pay.py", old="x = 1", new="x = 3"),
        TextEdit(path="tests/test_pay.py", old="", new="import pay"),
    ]
    files = await apply_allowed(edits, STATE)
    assert {file.path: file.after for file in files} == {
        "pay.py": b"x = 3\ny = 2\n",
        "tests/test_pay.py": b"import pay\n",
    }
