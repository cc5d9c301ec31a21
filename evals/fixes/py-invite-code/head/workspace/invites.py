import random
import string

ALPHABET = string.ascii_uppercase + string.digits
LENGTH = 16


def new_code() -> str:
    """A code of 16 capital letters and digits."""
    return "".join(random.choices(ALPHABET, k=LENGTH))


class Invites:
    def __init__(self) -> None:
        self._workspaces: dict[str, int] = {}

    def create(self, workspace_id: int) -> str:
        code = new_code()
        self._workspaces[code] = workspace_id
        return code

    def workspace(self, code: str) -> int | None:
        return self._workspaces.get(code)
