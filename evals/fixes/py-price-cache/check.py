from pricing.cache import Prices


class Service:
    def __init__(self):
        self.asked = []

    def cents(self, sku):
        self.asked.append(sku)
        return {"tea": 250, "sample": 0}.get(sku)


service = Service()
prices = Prices(service)
for _ in range(3):
    assert [prices.cents(sku) for sku in ("tea", "sample", "unknown")] == [250, 0, None]
assert service.asked == ["tea", "sample", "unknown"], service.asked
prices.forget()
assert prices.cents("tea") == 250
assert service.asked[-1] == "tea" and len(service.asked) == 4
