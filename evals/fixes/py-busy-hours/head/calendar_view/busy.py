Span = tuple[int, int]  # start and end, in minutes


def busy(appointments: list[Span]) -> list[Span]:
    """The blocks of time that appointments cover, in order."""
    blocks: list[Span] = []
    for start, end in sorted(appointments):
        if blocks and start <= blocks[-1][1]:
            blocks[-1] = (blocks[-1][0], end)
        else:
            blocks.append((start, end))
    return blocks
