import os
from collections.abc import Mapping

FEATURES = ("search", "chat")


def is_on(feature: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the variable of the feature is `true`, in any case."""
    if feature not in FEATURES:
        raise KeyError(feature)
    return bool(environ.get(f"FEATURE_{feature.upper()}", False))
