class Upload:
    def __init__(self, client) -> None:
        self._client = client

    def send(self, rows) -> int:
        rows = list(rows)
        self._client.insert(rows)
        return len(rows)
