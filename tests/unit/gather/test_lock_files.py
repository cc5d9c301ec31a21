"""A lock file is one by name and by every line; no line of code looks like one."""

import pytest

from app.gather.lock_files import is_lock_file
from tests.unit.gather.fakes import diff_of

EXAMPLES = {
    "package-lock.json": '{\n  "name": "a",\n  "lockfileVersion": 3,\n  "packages": {"": {"version": "1.0.0"}}\n}\n',
    "yarn.lock": '# yarn lockfile v1\n\n"@a/b@^7.0.0", c@>=1:\n  version "7.8.3"\n  dependencies:\n    "@a/c" "^7.8.3"\n',
    "pnpm-lock.yaml": "lockfileVersion: '9.0'\npackages:\n  '@a/b@1.0.0':\n    resolution: {integrity: sha512-a+b/c==}\n"
    "    deprecated: Do not use it, it (really) leaks.\n  a@1.0.0(react@18.2.0)(b@1.2.3(c@4.5.6)):\n    cpu: [x64, arm64]\n",
    "Cargo.lock": 'version = 4\n\n[[package]]\nname = "a"\ndependencies = [\n "b 1.0.0",\n]\n',
    "poetry.lock": '[[package]]\nname = "a"\nfiles = [\n    {file = "a-1.whl", hash = "sha256:ab"},\n]\n\n[package.extras]\n',
    "go.sum": "github.com/a/b v1.2.3 h1:abc+/=\ngithub.com/a/b v1.2.3/go.mod h1:abc=\n",
    "Gemfile.lock": "GEM\n  remote: https://rubygems.org/\n  specs:\n    a (1.0)\n      b (>= 1, < 2)\n\nPLATFORMS\n  x86_64-linux\n",
    "mix.lock": '%{\n  "a": {:hex, :a, "1.0", "ab", [:mix], [{:b, "~> 1", [hex: :b, optional: false]}], "hexpm", "cd"},\n}\n',
    ".terraform.lock.hcl": 'provider "registry.terraform.io/a/b" {\n  version = "1.0"\n  hashes = [\n    "h1:ab=",\n  ]\n}\n',
    "Podfile.lock": "PODS:\n  - A/B (1.2):\n    - C (~> 5.0)\n\nSPEC CHECKSUMS:\n  A: f3b0\n",
    "gradle.lockfile": "# generated\na.b:c:1.0=compileClasspath,runtime\nempty=\n",
}
CODE = [
    "import os",
    'os.system("ls " + input())',
    "eval(location.hash)",
    "require('child_process').exec(process.argv[2])",
    'system("ls")',
    "def f(): pass",
    "`id`",
    "<script>alert(1)</script>",
    "x: __import__('os').system('id')",
]


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lock_files_are_recognized_by_their_own_format(name: str, ending: str) -> None:
    assert is_lock_file(diff_of(name, None, EXAMPLES[name].replace("\n", ending)))
    assert is_lock_file(diff_of(f"web/{name}", None, EXAMPLES[name]))
    assert not is_lock_file(diff_of(f"{name}.py", None, EXAMPLES[name]))


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("code", CODE)
def test_a_lock_file_with_code_is_no_lock_file(name: str, code: str) -> None:
    assert not is_lock_file(diff_of(name, EXAMPLES[name], EXAMPLES[name] + code + "\n"))
    assert not is_lock_file(diff_of(name, None, code + "\n"))


def test_hostile_lines_take_linear_time() -> None:
    line = "a: " + "(@1" * 30_000
    assert not is_lock_file(diff_of("pnpm-lock.yaml", None, line))
    assert is_lock_file(diff_of("package-lock.json", None, "1" * 100_000))
