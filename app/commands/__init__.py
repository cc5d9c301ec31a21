"""What each `quorum …` command does; imported only when it is called, so that `--help` stays quick."""

import sys
from typing import Any, cast

# httpx loads its own command line with itself, and that loads rich and Pygments: 4 MiB that nothing here uses. None
# tells the import system that there is no such module: https://docs.python.org/3/reference/import.html#the-module-cache
cast("dict[str, Any]", sys.modules).setdefault("httpx._main", None)
