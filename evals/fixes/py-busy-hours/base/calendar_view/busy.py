Span = tuple[int, int]  # start and end, in minutes
