"""How long a candidate rests after a transient failure: longer each time, up to a limit, never all at the same moment."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.errors import ModelRateLimited, ModelUnavailable
from app.llm.failures import FIRST_WAIT_S, LONGEST_WAIT_S, wait_s


@given(failures=st.integers(1, 200), seed=st.integers())
def test_the_wait_doubles_up_to_a_limit_give_or_take_a_quarter(failures: int, seed: int) -> None:
    middle_s = min(FIRST_WAIT_S * 2.0 ** (failures - 1), LONGEST_WAIT_S)
    waited_s = wait_s(ModelUnavailable("out"), failures, Random(seed))
    assert 0.75 * middle_s <= waited_s <= 1.25 * middle_s


def test_those_who_failed_together_do_not_come_back_together() -> None:
    rng = Random(0)
    assert len({wait_s(ModelUnavailable("out"), 3, rng) for _ in range(50)}) == 50


def test_a_retry_after_is_taken_as_it_is() -> None:
    assert wait_s(ModelRateLimited("slower", retry_after_s=3_600.0), 1, Random(0)) == 3_600.0
