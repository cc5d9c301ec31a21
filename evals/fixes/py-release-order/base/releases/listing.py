def names(releases: dict[str, str]) -> list[str]:
    return list(releases)
