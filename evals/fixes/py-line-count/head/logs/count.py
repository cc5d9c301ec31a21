import subprocess
from pathlib import Path


class Uploads:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lines(self, name: str) -> int:
        """The number of lines of an upload; FileNotFoundError if there is none of this name."""
        if name not in {path.name for path in self.folder.iterdir()}:
            raise FileNotFoundError(name)
        output = subprocess.check_output(f"wc -l < '{self.folder}/{name}'", shell=True, text=True)
        return int(output)
