"""Files that one click on a suggestion must never change: CI, configuration, lock files. Pure."""

from pathlib import PurePosixPath

_ENDINGS = {
    ".yml", ".yaml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".env", ".json", ".json5", ".jsonc", ".lock",
    ".plist", ".tf", ".tfvars", ".hcl", ".gradle", ".kts", ".mk", ".cmake", ".csproj", ".sln", ".bazel", ".bzl",
}  # fmt: skip
_NAMES = {
    "build", "cargo.lock", "cmakelists.txt", "codeowners", "dockerfile", "containerfile", "gemfile", "gemfile.lock",
    "go.mod", "go.sum", "go.work", "jenkinsfile", "justfile", "makefile", "pipfile", "pom.xml", "procfile", "rakefile",
    "setup.py", "tiltfile", "vagrantfile", "workspace",
}  # fmt: skip
_CONFIG_ENDINGS = (".config.js", ".config.cjs", ".config.mjs", ".config.ts", "rc.js", "rc.cjs")


def is_protected(path: str) -> bool:
    """Whether what the file says governs builds, tools or dependencies; hidden files and folders all do."""
    pure = PurePosixPath(path.lower())
    if any(part.startswith(".") for part in pure.parts):
        return True
    requirements = pure.name.startswith(("requirements", "constraints")) and pure.suffix in (".txt", ".in")
    return (
        requirements
        or pure.suffix in _ENDINGS
        or pure.name in _NAMES
        or pure.name.startswith(("dockerfile.", "makefile."))
        or pure.name.endswith(_CONFIG_ENDINGS)
    )
