"""Strings that try to instruct a model, written for this project: by language, by encoding, by framing. Not a test."""

import json
from pathlib import Path

_DATA: dict[str, dict[str, list[str]]] = json.loads(
    (Path(__file__).parents[1] / "data" / "injection" / "strings.json").read_text()
)
INJECTIONS = [text for kinds in _DATA.values() for texts in kinds.values() for text in texts]
LANGUAGES = tuple(_DATA["spoken"])
ENCODINGS = tuple(_DATA["encoded"])
