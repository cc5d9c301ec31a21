class Latencies:
    """Samples in the order of their arrival."""

    def __init__(self) -> None:
        self.samples: list[float] = []

    def add(self, ms: float) -> None:
        self.samples.append(ms)

    def median(self) -> float | None:
        if not self.samples:
            return None
        return median(self.samples)


def median(values: list[float]) -> float:
    """The middle value, or the mean of the two in the middle."""
    values.sort()
    middle = len(values) // 2
    if len(values) % 2:
        return values[middle]
    return (values[middle - 1] + values[middle]) / 2
