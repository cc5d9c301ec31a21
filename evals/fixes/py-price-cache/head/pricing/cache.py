class Prices:
    """Prices by SKU; None for a SKU that the service does not know. Each SKU is asked for once."""

    def __init__(self, service) -> None:
        self._service = service
        self._known: dict[str, int | None] = {}

    def cents(self, sku: str) -> int | None:
        price = self._known.get(sku)
        if not price:
            price = self._service.cents(sku)
            self._known[sku] = price
        return price

    def forget(self) -> None:
        self._known.clear()
