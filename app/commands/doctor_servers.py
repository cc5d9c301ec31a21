"""The check of `quorum doctor` about OpenAI-compatible servers: which vendor each counts as."""

from collections.abc import Sequence

from app.commands.doctor_checks import Check, ok, warning
from app.servers import NamedServer, family_of
from app.settings import Settings


def check_servers(settings: Settings, servers: Sequence[NamedServer]) -> list[Check]:
    """Say how the named servers count, and warn if `local` runs a vendor's model without saying so."""
    checks = [
        ok(str(server.provider), f"{server.model} at {server.base_url} counts as the vendor {server.vendor}")
        for server in servers
    ]
    maker = family_of(settings.quorum_local_model or "")
    if settings.quorum_local_base_url and maker and settings.quorum_local_vendor is None:
        message = (
            f"{settings.quorum_local_model} is a model of the vendor {maker}, but counts as another vendor"
        )
        checks.append(warning("local", message, f"set QUORUM_LOCAL_VENDOR={maker}"))
    return checks
