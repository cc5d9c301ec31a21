from pathlib import Path

from logs.count import Uploads

folder = Path("uploads")
folder.mkdir()
names = ["plain.log", "two words.log", "it's.log", "a'; touch attacked; echo '.log", "$(touch attacked).log", "-l", "--help"]
for number, name in enumerate(names):
    (folder / name).write_text("line\n" * number)
for uploads in (Uploads(folder), Uploads(folder.resolve())):
    for number, name in enumerate(names):
        assert uploads.lines(name) == number, name
    assert not Path("attacked").exists()
    try:
        uploads.lines("none")
    except FileNotFoundError:
        pass
    else:
        raise AssertionError("none")
