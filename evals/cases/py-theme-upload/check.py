import io
import tarfile
from pathlib import Path

from themes.store import InvalidTheme, ThemeStore


def archive(*names):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 3
            tar.addfile(info, io.BytesIO(b"new"))
    return buffer.getvalue()


root = Path("themes-data").resolve()
store = ThemeStore(root)
assert store.install(1, archive("a.html", "images/b.png", "./c.css")) == 3
assert store.templates(1) == ["a.html"]
assert (root / "1/images/b.png").read_bytes() == b"new" == (root / "1/c.css").read_bytes()
victim = store.folder(2) / "a.html"
outside = root / "outside.html"
for path in (victim, outside):
    path.write_bytes(b"old")
for name in ("../2/a.html", "../outside.html", "x/../../2/a.html", str(victim), "images/../../outside.html"):
    try:
        store.install(1, archive(name))
    except InvalidTheme:
        pass
    assert victim.read_bytes() == b"old" == outside.read_bytes(), name
assert sorted(path.name for path in root.iterdir()) == ["1", "2", "outside.html"]
sibling = root / "11"
try:
    store.install(1, archive("../11/a.html"))
except InvalidTheme:
    pass
assert not sibling.exists()
