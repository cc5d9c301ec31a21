from pathlib import Path


class Attachments:
    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
