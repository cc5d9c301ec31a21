"""Loads the rule files beside this module. Only our own files: nothing of a pull request is read with this."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

# libyaml is ten times as fast; it crashes on hostile nesting, but these files are our own.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def load_rule_file(name: str) -> Any:  # noqa: ANN401 - each file has its own form, checked by its reader
    """The content of `<name>.yml`."""
    text = (Path(__file__).parent / f"{name}.yml").read_text(encoding="utf-8")
    return yaml.load(text, _Loader)  # noqa: S506 - a safe loader, see above
