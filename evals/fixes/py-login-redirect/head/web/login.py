HOME = "/"


def target_after_login(wanted: str | None) -> str:
    """Where to go after the login: a path of this site, or home."""
    if wanted and wanted.startswith("/"):
        return wanted
    return HOME
