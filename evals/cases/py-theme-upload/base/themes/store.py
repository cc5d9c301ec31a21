from pathlib import Path


class ThemeStore:
    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, shop_id: int) -> Path:
        folder = self._root / str(shop_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def templates(self, shop_id: int) -> list[str]:
        return sorted(path.name for path in self.folder(shop_id).glob("*.html"))
