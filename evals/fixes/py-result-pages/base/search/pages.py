def results(items: list[str]) -> list[str]:
    return items
