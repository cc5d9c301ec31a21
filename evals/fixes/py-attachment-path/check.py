import os
from pathlib import Path

from files.attachments import Attachments

for path, text in {"data/a.txt": "a", "data/sub/b.txt": "b", "data-private/x": "secret", "data.txt": "secret", "other": "secret"}.items():
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
os.symlink("../other", "data/link")
files = Attachments(Path("data"))
assert files.read("a.txt") == b"a"
assert files.read("sub/b.txt") == b"b"
assert files.read("sub/../a.txt") == b"a"
for name in ("../data-private/x", "../data.txt", "../other", "/etc/passwd", "link", "none", "", "sub", "."):
    assert files.read(name) is None, name
