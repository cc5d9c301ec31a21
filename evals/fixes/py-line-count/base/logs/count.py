from pathlib import Path


class Uploads:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
