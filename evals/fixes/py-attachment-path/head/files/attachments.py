from pathlib import Path


class Attachments:
    """Files below a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def read(self, name: str) -> bytes | None:
        """The content; None if there is no such file below the folder."""
        path = (self._root / name).resolve()
        if not str(path).startswith(str(self._root)):
            return None
        return path.read_bytes() if path.is_file() else None
