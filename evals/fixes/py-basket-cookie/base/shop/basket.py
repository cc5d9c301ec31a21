class Basket:
    def __init__(self, quantities: dict[str, int] | None = None) -> None:
        self.quantities = dict(quantities or {})
