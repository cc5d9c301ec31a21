"""The settings of commands that run in untrusted checkouts."""

import os

from app.settings import Settings, load_settings, user_state_dir


def isolated_settings() -> Settings:
    """Settings from the environment only, with the data in the user's state directory."""
    settings = load_settings(env_file=None)
    if "QUORUM_DATA_DIR" in os.environ:
        return settings
    return settings.model_copy(update={"quorum_data_dir": user_state_dir(dict(os.environ))})
