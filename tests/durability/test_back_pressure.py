"""Deliveries that cannot be stored are refused and accepted later; a stopped job continues in the next process."""

import asyncio
import resource
import signal
from pathlib import Path

import pytest

from tests.durability.app_process import AppProcess
from tests.durability.killing import faults_of
from tests.durability.many import open_pulls, post_all, send_all
from tests.durability.stand_ins import stand_ins

pytestmark = pytest.mark.slow

MAX_FILE_BYTES = 4_096  # nothing can be written after them


async def test_with_a_full_disk_deliveries_are_refused_and_accepted_once_there_is_room(
    tmp_path: Path,
) -> None:
    async with stand_ins(tmp_path) as around:
        app = AppProcess(tmp_path / "app", around.environment(data="data"))
        app.start()
        try:
            await app.until_ready(around.client)
            open_pulls(around, count=1, installations=1)
            before = resource.prlimit(
                app.pid, resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, resource.RLIM_INFINITY)
            )
            refused = await post_all(around, app)
            assert set(refused.values()) <= {200, 503}
            assert 503 in refused.values()
            resource.prlimit(app.pid, resource.RLIMIT_FSIZE, before)
            for sent, status in refused.items():
                if status == 503:
                    around.github.hook.redeliver(sent)
            await send_all(around, app)
            while faults_of(around.github):  # noqa: ASYNC110 - another process works
                await asyncio.sleep(0.05)
        finally:
            app.kill()


async def test_a_stopped_process_exits_in_time_and_the_next_one_finishes_its_review(
    tmp_path: Path,
) -> None:
    async with stand_ins(tmp_path, models_s=3_600) as around:
        app = AppProcess(tmp_path / "app", around.environment(data="data"))
        app.start()
        try:
            await app.until_ready(around.client)
            open_pulls(around, count=1, installations=1)
            await send_all(around, app)
            while not around.vendors.requests:  # noqa: ASYNC110 - a server of this process is asked
                await asyncio.sleep(0.02)
            # The models take an hour, longer than pytest lets a test run: only a job that is left behind lets it end.
            assert await app.stop() in (0, -signal.SIGTERM)  # uvicorn raises the signal again at its end
            around.vendors.delay_s.clear()
            app.start()
            await app.until_ready(around.client)
            while faults_of(around.github):  # noqa: ASYNC110 - another process works
                await asyncio.sleep(0.05)
        finally:
            app.kill()
