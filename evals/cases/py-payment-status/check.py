import sys
import types


class RequestException(OSError):
    """requests.RequestException."""


requests = types.ModuleType("requests")
requests.RequestException, requests.Session = RequestException, object
sys.modules["requests"] = requests

import logging

from payments.service import ATTEMPTS, PaymentService

logging.disable()


class Orders:
    def __init__(self):
        self.called = []

    def __getattr__(self, name):
        return lambda *args, **kwargs: self.called.append((name, args))


class Gateway:
    def __init__(self, failures):
        self.failures, self.tried = failures, 0

    def capture(self, authorisation, cents):
        self.tried += 1
        if self.tried <= self.failures:
            raise RequestException("dropped")
        return "capture-1"


order = types.SimpleNamespace(id=7, authorisation="a", total_cents=500)


def settle(failures):
    gateway, orders = Gateway(failures), Orders()
    try:
        paid = PaymentService(gateway, orders, sleep=lambda seconds: None).settle(order)
    except Exception:
        paid = False
    return paid, gateway.tried, orders.called


for failures in (0, 1, ATTEMPTS - 1):
    assert settle(failures) == (True, failures + 1, [("mark_paid", (7, "capture-1"))]), failures
paid, tried, called = settle(ATTEMPTS)
assert not paid and tried == ATTEMPTS
assert all(name != "mark_paid" for name, _ in called), called
