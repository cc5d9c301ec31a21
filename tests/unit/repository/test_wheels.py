import hashlib
import json
import re
from typing import Any

from scripts.sbom import components
from scripts.wheels import has_wheel, targets, without_wheel
from tests.unit.repository.files import read

RECORD: dict[str, Any] = json.loads(read("requirements/wheels.json"))
NAMED = re.compile(r"^\| `([\w.-]+)` \| (macOS on x86-64|Linux on aarch64) \| .{20,} \|$", re.MULTILINE)
PLATFORM_WORDS = {"darwin-x86_64": "macOS on x86-64", "linux-aarch64": "Linux on aarch64"}


def test_the_record_belongs_to_the_lock() -> None:
    lock = read("requirements/runtime.txt")
    assert hashlib.sha256(lock.encode()).hexdigest() == RECORD["lock_sha256"], "run `make lock`"
    assert RECORD["packages"] == {each["name"]: each["version"] for each in components(lock)}


def test_every_package_has_a_wheel_or_is_named_with_the_reason() -> None:
    missing = {
        (package, PLATFORM_WORDS[platform.rpartition("-cp")[0]])
        for package, platforms in RECORD["without_wheel"].items()
        for platform in platforms
    }
    assert missing == set(NAMED.findall(read("docs/install.md")))


def test_no_package_is_built_from_source_on_linux_or_apple_silicon() -> None:
    built = {platform for platforms in RECORD["without_wheel"].values() for platform in platforms}
    assert not [each for each in built if each.startswith(("linux", "darwin-arm64"))]


def test_a_package_with_wheels_for_other_platforms_only_is_reported() -> None:
    wheel = {"url": "x/native-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"}
    missing = without_wheel([{"name": "native", "version": "1.0", "wheels": [wheel]}])
    assert "linux-x86_64-cp311" not in missing["native"]
    assert {"linux-aarch64-cp311", "linux-x86_64-cp313", "darwin-arm64-cp311"} <= set(missing["native"])


def test_a_package_that_a_marker_excludes_is_not_missing() -> None:
    package: dict[str, Any] = {
        "name": "native",
        "version": "1.0",
        "wheels": [],
        "marker": "sys_platform == 'win32'",
    }
    assert without_wheel([package]) == {}


def test_pure_and_stable_abi_wheels_run_everywhere() -> None:
    pure = {"wheels": [{"name": "pure-1.0-py2.py3-none-any.whl"}]}
    stable = {"wheels": [{"name": "fast-1.0-cp39-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64.whl"}]}
    for name, _, tags in targets():
        assert has_wheel(pure, tags)
        assert has_wheel(stable, tags) == name.startswith("linux-aarch64")
