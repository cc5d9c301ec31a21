ENVIRONMENT = "staging"


class AuditLog:
    def __init__(self) -> None:
        self.entries: list[dict] = []

    def record(self, actor: str, action: str, tags: list[str] = []) -> None:
        """Add an entry with these tags and the tag of the environment."""
        tags.append(f"env:{ENVIRONMENT}")
        self.entries.append({"actor": actor, "action": action, "tags": tags})

    def tagged(self, tag: str) -> list[dict]:
        return [entry for entry in self.entries if tag in entry["tags"]]
