MAX_ROWS = 500


def chunks(rows, size: int):
    """The rows as lists of at most `size`."""
    rows = iter(rows)
    for chunk in zip(*[rows] * size):
        yield list(chunk)


class Upload:
    def __init__(self, client) -> None:
        self._client = client

    def send(self, rows) -> int:
        """Insert all rows, in order; returns how many there were."""
        sent = 0
        for chunk in chunks(rows, MAX_ROWS):
            self._client.insert(chunk)
            sent += len(chunk)
        return sent
