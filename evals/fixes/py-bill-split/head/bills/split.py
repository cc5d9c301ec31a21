def total(items: dict[str, int]) -> int:
    """The sum in cents."""
    return sum(items.values())


def split(cents: int, guests: int) -> list[int]:
    """Shares in cents that add up to `cents`; the first guests pay what remains, one cent each."""
    if guests < 1:
        raise ValueError("guests must be positive")
    return [round(cents / guests) for _ in range(guests)]
