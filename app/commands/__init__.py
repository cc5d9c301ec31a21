"""The commands of `quorum`. Each module is imported only when its command is called, so that `--help` stays quick."""

import sys
from typing import Any, cast

# httpx imports its own command line, which imports rich and Pygments: 4 MiB that nothing here uses. None tells the
# import system that the module does not exist: https://docs.python.org/3/reference/import.html#the-module-cache
cast("dict[str, Any]", sys.modules).setdefault("httpx._main", None)
