"""Print a bill of materials (CycloneDX 1.6) of what `requirements/runtime.txt` locks: names, versions, hashes.

    python scripts/sbom.py >sbom.json

It reads only the lock: no index, no network, no installed package.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements" / "runtime.txt"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> list[dict[str, Any]]:
    """One component for each pinned package, in the lock's order, with the hashes of its files."""
    found: list[dict[str, Any]] = []
    for line in lock.splitlines():
        if pin := _PIN.match(line):
            name, version = pin[1].lower().replace("_", "-"), pin[2]
            purl = f"pkg:pypi/{name}@{version}"
            found.append(
                {
                    "type": "library",
                    "bom-ref": purl,
                    "name": name,
                    "version": version,
                    "purl": purl,
                    "hashes": [],
                }
            )
        elif found:
            found[-1]["hashes"] += [{"alg": "SHA-256", "content": each} for each in _HASH.findall(line)]
    return found


def bill_of_materials(lock: str) -> dict[str, Any]:
    """The document (https://cyclonedx.org/docs/1.6/json/)."""
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components(lock)}


if __name__ == "__main__":
    json.dump(bill_of_materials(LOCK.read_text(encoding="utf-8")), sys.stdout, indent=1)
