"""Requests of strangers: none is taken, none makes an error of ours. `benchmarks/forged.py` sends ten thousand."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.security.forging import Door, forged_requests


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
async def test_of_many_forged_requests_none_is_taken_and_none_is_an_error_of_ours(seed: int) -> None:
    door = Door()
    statuses = [await door.post(each) for each in forged_requests(seed, count=10)]
    assert door.taken == []
    assert set(statuses) <= {400, 401, 413, 415}
