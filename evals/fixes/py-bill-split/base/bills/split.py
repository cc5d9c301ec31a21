def total(items: dict[str, int]) -> int:
    """The sum in cents."""
    return sum(items.values())
