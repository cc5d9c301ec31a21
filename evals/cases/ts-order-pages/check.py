import re
import shutil
import subprocess
from pathlib import Path

text = Path("tree/src/orders/repository.ts").read_text()
found = re.search(r"return \{ orders: rows, page, pages: (?P<pages>[^;{}]+) \};", text)
if shutil.which("node") is None or found is None or not re.fullmatch(r"[\w\s.,()+*/-]+", found["pages"]):
    raise SystemExit(77)
script = f"const PAGE_SIZE = 20; console.log([0, 1, 5, 20, 21, 40, 41].map((total) => {found['pages']}).join())"
done = subprocess.run(["node", "-e", script], text=True, capture_output=True, timeout=15)
if done.returncode:
    raise SystemExit(77)
assert done.stdout.strip() in ("0,1,1,1,2,2,3", "1,1,1,1,2,2,3"), done.stdout
assert "(page - 1) * PAGE_SIZE" in text and re.search(r"PAGE_SIZE = 20;", text)
