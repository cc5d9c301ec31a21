def best(ratings):
    return max(ratings, default=None)
