import io
import tarfile
from pathlib import Path, PurePosixPath

ALLOWED = {".html", ".css", ".js", ".png", ".svg", ".webp"}


class InvalidTheme(ValueError):
    """The archive is not a theme."""


class ThemeStore:
    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, shop_id: int) -> Path:
        folder = self._root / str(shop_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def install(self, shop_id: int, archive: bytes) -> int:
        """Unpack an archive into the shop's folder; returns the number of files."""
        folder = self.folder(shop_id)
        try:
            with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
                members = [member for member in tar.getmembers() if member.isfile()]
                for member in members:
                    suffix = PurePosixPath(member.name).suffix.lower()
                    if suffix not in ALLOWED:
                        raise InvalidTheme(f"files of type {suffix!r} are not allowed")
                for member in members:
                    target = folder / member.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with tar.extractfile(member) as content:
                        target.write_bytes(content.read())
        except tarfile.TarError as error:
            raise InvalidTheme("not a .tar.gz archive") from error
        return len(members)

    def templates(self, shop_id: int) -> list[str]:
        return sorted(path.name for path in self.folder(shop_id).glob("*.html"))
