"""Which files control builds, tools, dependencies, or rights, recognized by the kind of name rather than by a list of tools. Pure.

Ordinary code and tests are not among them, whatever they are about: `makefile_parser.py`, `test_dockerfile.py`, `config.py`.
"""

import re
from pathlib import PurePosixPath

# Of build systems, package managers, infrastructure, and services.
_ENDINGS = {
    ".ac", ".am", ".bazel", ".bicep", ".bicepparam", ".build", ".bzl", ".cabal", ".cake", ".cfg", ".cmake", ".conf",
    ".config", ".dist", ".egg-link", ".entitlements", ".env", ".freeze", ".gemspec", ".gn", ".gni", ".gradle", ".gyp",
    ".gypi", ".hcl", ".in", ".ini", ".json", ".json5", ".jsonc", ".kts", ".m4", ".mak", ".mk", ".neon", ".nimble",
    ".ninja", ".nix", ".nomad", ".nuspec", ".opam", ".plist", ".podspec", ".pri", ".pro", ".properties", ".props",
    ".pth", ".rake", ".resolved", ".rockspec", ".ru", ".rules", ".sbt", ".service", ".sky", ".sln", ".slnx", ".spec",
    ".star", ".sum", ".targets", ".tf", ".tfvars", ".timer", ".toml", ".xcconfig", ".yaml", ".yml", ".zon",
}  # fmt: skip
_NAMES = {
    "androidmanifest.xml", "appraisals", "bazelrc", "brunch-config.js", "buck", "build", "build.bat", "build.cmd",
    "build.fsx", "build.pl", "build.ps1", "build.rs", "build.sh", "build.xml", "build.zig", "cmakelists.txt",
    "codeowners", "configure", "conftest.py", "crontab", "deps.edn", "description", "dub.sdl", "dune", "dune-project",
    "ember-cli-build.js", "gems.rb", "go.mod", "go.work", "gradlew", "gradlew.bat", "ivy.xml", "jest.setup.js",
    "jest.setup.ts", "maintainers", "meson_options.txt", "mix.exs", "mvnw", "mvnw.cmd", "namespace", "owners",
    "owners_aliases", "package.swift", "paket.dependencies", "pnpmfile.cjs", "pom.xml", "premake5.lua", "project.clj",
    "remappings.txt", "sconscript", "sconstruct", "settings.xml", "setup.hs", "setup.py", "shadow-cljs.edn",
    "singularity.def", "sitecustomize.py", "targets", "truffle-config.js", "usercustomize.py", "vitest.workspace.js",
    "vitest.workspace.ts", "webpack.mix.js", "workspace", "wscript", "xmake.lua",
}  # fmt: skip
# `Jenkinsfile.prod`, `Rakefile.rb`, `api.dockerfile`, `Dockerfile-dev`; without an ending, every `…file` counts.
_FILES = "cake|conan|container|docker|fab|gem|gnumake|grunt|gulp|helm|jake|jenkins|mage|make|nox|pod|rake|snake|task|vagrant"
_TOOL_FILE = re.compile(
    rf"(?:{_FILES})file(?:\..*)?|[^.]*\.(?:{_FILES})file|[^.]*file|(?:{_FILES})file[-_][^.]*"
)
# `vite.config.mts`, `karma.conf.js`, `.eslintrc.cjs`, `bun.lockb`, `packages.lock.json`, `app.vcxproj`, `Package@swift-5.swift`
_SETTINGS = re.compile(
    r".*(?:\.conf(?:ig)?\..+|rc\.[cm]?[jt]s|\.lock(?:ed|b|file)?(?:\..+)?|\.\w*proj)|package@swift.*"
)
_REQUIREMENTS = re.compile(r"(?:.*[-_.])?(?:requirements?|constraints?|reqs?)(?:[-_.].*)?")
_GIT_HOOK = re.compile(
    r"(?:pre|post|prepare|commit|applypatch|sendemail|push|fsmonitor|proc|reference)-[a-z-]+(?:\.(?:sh|bash|sample))?|update"
)


def is_protected(path: str) -> bool:
    """Whether the file controls builds, tools, dependencies, or rights; all hidden files and directories count."""
    pure = PurePosixPath(path.lower())
    folders = pure.parts[:-1]
    return (
        any(part.startswith(".") for part in pure.parts)
        or pure.suffix in _ENDINGS
        or pure.name in _NAMES
        or _TOOL_FILE.fullmatch(pure.name) is not None
        or _SETTINGS.fullmatch(pure.name) is not None
        or _is_list_of_packages(pure)
        or (bool(folders) and folders[-1].endswith("hooks") and _GIT_HOOK.fullmatch(pure.name) is not None)
        or "debian" in folders
    )


def _is_list_of_packages(path: PurePosixPath) -> bool:
    if path.suffix not in (".txt", ".pip"):
        return False
    names = (*path.parts[:-1], path.stem)
    return any(_REQUIREMENTS.fullmatch(name) for name in names) or path.parts[-2:] == (
        "vendor",
        "modules.txt",
    )
