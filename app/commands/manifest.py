"""app.yml: the permissions and events that Quorum registers and that `quorum doctor` expects."""

from pathlib import Path
from typing import Any

import yaml

from app.github.addresses import is_enterprise_server

MANIFEST = Path(__file__).parents[1] / "data" / "app.yml"  # a link: the wheel holds a copy


def read_manifest(api_url: str) -> dict[str, Any]:
    """Read app.yml, without merge queues for a GHES.

    GitHub refuses a whole manifest that names an unknown event, and no published description of a GHES lists `merge_group`:
    https://docs.github.com/en/enterprise-server@3.19/webhooks/webhook-events-and-payloads
    """
    manifest: dict[str, Any] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    if is_enterprise_server(api_url):
        del manifest["default_permissions"]["merge_queues"]
        manifest["default_events"].remove("merge_group")
    return manifest
