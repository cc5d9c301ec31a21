"""Record for which platforms the packages in `requirements/runtime.txt` have a wheel, in `requirements/wheels.json`.

    python scripts/wheels.py PYLOCK

PYLOCK is a pylock.toml of the same packages, which names their files (https://peps.python.org/pep-0751/); the lock itself has only
hashes. `make lock` writes it and runs this script. The record holds no address of an index.
"""

import hashlib
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.tags import Tag, cpython_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "runtime.txt"
RECORD = ROOT / "requirements" / "wheels.json"
PYTHONS = ((3, 11), (3, 13))  # the oldest supported version, and that of the image
# glibc 2.36 (Debian 12) reads wheels for every older glibc; macOS 14 is the oldest version that GitHub's runners have.
GLIBC_MINORS = range(36, 16, -1)
MACOS_RELEASES = [f"{major}_0" for major in range(14, 10, -1)] + [f"10_{minor}" for minor in range(16, 8, -1)]

Package = dict[str, Any]


def platform_tags(system: str, machine: str) -> list[str]:
    """The platform tags of wheels that run on the system, most specific first."""
    if system == "linux":
        legacy = ["manylinux2014", "manylinux2010", "manylinux1"]
        names = [f"manylinux_2_{minor}" for minor in GLIBC_MINORS] + legacy + ["linux"]
        return [f"{name}_{machine}" for name in names]
    return [
        f"macosx_{release}_{architecture}"
        for release in MACOS_RELEASES
        for architecture in (machine, "universal2")
    ]


def targets() -> Iterator[tuple[str, dict[str, str], frozenset[Tag]]]:
    """(name, environment of markers, compatible tags) of every platform that Quorum supports."""
    for system, machine in (
        ("linux", "x86_64"),
        ("linux", "aarch64"),
        ("darwin", "arm64"),
        ("darwin", "x86_64"),
    ):
        platforms = platform_tags(system, machine)
        for major, minor in PYTHONS:
            tags = {*cpython_tags((major, minor), platforms=platforms)}
            tags |= {
                Tag(python, "none", each)
                for each in [*platforms, "any"]
                for python in ("py3", f"py{major}{minor}", "py2")
            }
            environment = {
                "python_version": f"{major}.{minor}",
                "python_full_version": f"{major}.{minor}.0",
                "sys_platform": system,
                "platform_system": system.title(),
                "platform_machine": machine,
                "platform_python_implementation": "CPython",
                "implementation_name": "cpython",
                "os_name": "posix",
            }
            yield f"{system}-{machine}-cp{major}{minor}", environment, frozenset(tags)


def file_name(wheel: dict[str, Any]) -> str:
    """The wheel's file name."""
    return wheel.get("name") or wheel["url"].rpartition("/")[2].replace("%2B", "+")


def has_wheel(package: Package, tags: frozenset[Tag]) -> bool:
    """Whether one of the package's wheels has one of the tags."""
    return any(parse_wheel_filename(file_name(wheel))[3] & tags for wheel in package.get("wheels", ()))


def without_wheel(packages: list[Package]) -> dict[str, list[str]]:
    """Package → platforms on which it is installed and would be built from source."""
    missing: dict[str, list[str]] = {}
    for name, environment, tags in targets():
        for package in packages:
            installed = Marker(package["marker"]).evaluate(environment) if "marker" in package else True
            if installed and not has_wheel(package, tags):
                missing.setdefault(package["name"], []).append(name)
    return missing


def main() -> int:
    """Write the record."""
    packages = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["packages"]
    record = {
        "lock_sha256": hashlib.sha256(LOCK.read_bytes()).hexdigest(),
        "platforms": [name for name, _, _ in targets()],
        "packages": {each["name"]: each["version"] for each in packages},
        "without_wheel": without_wheel(packages),
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
