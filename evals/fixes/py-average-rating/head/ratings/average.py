def best(ratings):
    return max(ratings, default=None)


def average(ratings) -> float | None:
    """The mean of the ratings, with one decimal place; None if there are none."""
    count = sum(1 for _ in ratings)
    if count == 0:
        return None
    return round(sum(ratings) / count, 1)
