def names(releases: dict[str, str]) -> list[str]:
    """The names of the releases (numbers and dots), newest first."""
    return sorted(releases, reverse=True)


def newest(releases: dict[str, str]) -> str | None:
    return next(iter(names(releases)), None)
