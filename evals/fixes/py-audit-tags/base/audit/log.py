ENVIRONMENT = "staging"


class AuditLog:
    def __init__(self) -> None:
        self.entries: list[dict] = []

    def record(self, actor: str, action: str) -> None:
        self.entries.append({"actor": actor, "action": action})
