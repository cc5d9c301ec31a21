import re
from pathlib import Path

text = Path("tree/src/jobs/reminders.ts").read_text()
assert not re.search(r"\.forEach\(\s*async", text), "forEach waits for nothing"
loop = r"for \(const basket of due\) \{\s*await this\.remind\(basket\);\s*await this\.baskets\.markReminded\(basket\.id, now\);\s*sent \+= 1;\s*\}\s*logger\.info\([^;]*\);\s*return sent;"
if not re.search(loop, text):
    raise SystemExit(77)
