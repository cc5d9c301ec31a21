class Prices:
    def __init__(self, service) -> None:
        self._service = service

    def cents(self, sku: str) -> int | None:
        return self._service.cents(sku)
