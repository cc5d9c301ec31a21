import re
from pathlib import Path

PAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


class UnknownPage(KeyError):
    """There is no page of this name."""


class Pages:
    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """The page's file; raises UnknownPage for names that are none and for pages that are not there."""
        path = self.root / f"{name}.md"
        if not PAGE_NAME.fullmatch(name) or not path.is_file():
            raise UnknownPage(name)
        return path
