"""Forged requests: none is accepted, and none causes a server error. `benchmarks/forged.py` sends ten thousand."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.security.forging import ReceiverProbe, forged_requests


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
async def test_forged_requests_are_rejected_without_a_server_error(seed: int) -> None:
    receiver = ReceiverProbe()
    statuses = [await receiver.post(each) for each in forged_requests(seed, count=10)]
    assert receiver.accepted == []
    assert set(statuses) <= {400, 401, 413, 415}
