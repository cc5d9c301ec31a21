from payments.gateway import Gateway


class PaymentService:
    def __init__(self, gateway: Gateway, orders) -> None:
        self._gateway = gateway
        self._orders = orders

    def settle(self, order) -> None:
        capture_id = self._gateway.capture(order.authorisation, order.total_cents)
        self._orders.mark_paid(order.id, capture_id)
