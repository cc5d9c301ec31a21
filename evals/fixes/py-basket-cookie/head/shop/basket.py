import base64
import pickle


class Basket:
    def __init__(self, quantities: dict[str, int] | None = None) -> None:
        self.quantities = dict(quantities or {})


def to_cookie(basket: Basket) -> str:
    return base64.urlsafe_b64encode(pickle.dumps(basket.quantities)).decode("ascii")


def from_cookie(value: str) -> Basket:
    """The basket of a cookie; an empty one if the cookie is damaged."""
    try:
        quantities = pickle.loads(base64.urlsafe_b64decode(value))
    except Exception:
        return Basket()
    if not isinstance(quantities, dict):
        return Basket()
    return Basket({str(sku): int(count) for sku, count in quantities.items()})
