"""`quorum doctor --live` sends four requests to each model and says what worked, what it took and what failed."""

from app.commands.doctor_checks import CheckResult
from app.commands.doctor_live import estimate_usd, run_trials
from app.domain.model_call import Provider
from tests.fakes.vendors import FakeVendors, Fault

CLAUDE, GPT, GEMINI, LOCAL = Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL


async def lines_of(vendors: FakeVendors, *providers: Provider) -> list[str]:
    access = vendors.access(*providers)
    return [str(check) async for check in run_trials(access, http_client=vendors.http_client())]


async def test_each_model_is_tried_with_the_real_schema_the_cache_a_stream_and_a_verdict() -> None:
    vendors = FakeVendors()
    lines = await lines_of(vendors, CLAUDE)
    assert [line.split(": ")[0].split("live")[1].strip() for line in lines[:4]] == [
        f"claude-sonnet-5-5, {name}"
        for name in ("schema", "cached repeat", "streamed answer", "verification")
    ]
    assert len(lines) == 8
    assert all(line.startswith("ok") for line in lines)
    assert "(0% cached)" in lines[0]
    assert "(100% cached)" in lines[1]
    assert "first token after" in lines[2]
    assert [sent.is_streamed for sent in vendors.requests[:4]] == [False, False, True, False]


async def test_a_model_that_steps_down_is_a_warning_with_its_rung() -> None:
    vendors = FakeVendors()
    vendors.fail(LOCAL, Fault.FORM_CRASHES, times=1)
    first, *others = await lines_of(vendors, LOCAL)
    assert first.startswith("warning")
    assert "JSON mode" in first
    assert "does not support this way of requesting JSON" in first
    assert all(line.startswith("ok") for line in others)


async def test_a_vendor_that_fails_does_not_hide_the_others() -> None:
    vendors = FakeVendors()
    vendors.fail(CLAUDE, Fault.BAD_KEY)
    access = vendors.access(CLAUDE, GPT)
    results = [check async for check in run_trials(access, http_client=vendors.http_client())]
    assert {check.result for check in results[:8]} == {CheckResult.FAILURE}
    assert {check.result for check in results[8:]} == {CheckResult.OK}


def test_the_price_is_said_before_and_is_a_few_cents() -> None:
    vendors = FakeVendors()
    assert 0.05 < estimate_usd(vendors.access()) < 0.5
    assert estimate_usd(vendors.access(LOCAL)) == 0.0
