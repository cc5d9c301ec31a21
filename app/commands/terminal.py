"""What the terminal can show: colors and width, by the conventions of other programs.

https://no-color.org and https://force-color.org
"""

import os
import shutil
from typing import TextIO

PLAIN_WIDTH = 100  # of files and pipes
NARROWEST = 40


def has_colors(stream: TextIO) -> bool:
    """Whether to color this stream. NO_COLOR outranks FORCE_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    if forced := os.environ.get("FORCE_COLOR"):
        return forced not in ("0", "false")
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width_of(stream: TextIO) -> int:
    """The number of columns of the terminal; COLUMNS outranks it, as in other programs."""
    if not stream.isatty() and not os.environ.get("COLUMNS"):
        return PLAIN_WIDTH
    return max(NARROWEST, shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns)
