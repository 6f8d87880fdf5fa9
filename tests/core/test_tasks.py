"""Tasks beside: kept while they go on, waited for or cancelled at the end, and heard when they fail."""

import asyncio
import logging

import pytest

from hub.tasks import Tasks

log = logging.getLogger("test.tasks")


@pytest.fixture
def tasks() -> Tasks:
    return Tasks(log, "it could not be done")


async def fail() -> None:
    raise ValueError("no room")


async def test_one_that_fails_is_in_the_log_and_gone(tasks: Tasks, caplog: pytest.LogCaptureFixture) -> None:
    tasks.spawn(fail(), "failing")
    assert len(tasks) == 1
    await tasks.settled()
    assert len(tasks) == 0
    (record,) = caplog.records
    assert (record.name, record.levelname, record.message) == ("test.tasks", "ERROR", "it could not be done")
    assert "no room" in caplog.text


async def test_what_has_begun_is_waited_for(tasks: Tasks) -> None:
    may_end, ended = asyncio.Event(), []

    async def work() -> None:
        await may_end.wait()
        ended.append(True)

    tasks.spawn(work())
    waiting = asyncio.create_task(tasks.settled())
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    may_end.set()
    await tasks.settled()
    assert ended == [True]
    await tasks.settled()  # there is nothing to wait for


async def test_cancelled_and_waited_for(tasks: Tasks, caplog: pytest.LogCaptureFixture) -> None:
    begun, ended = asyncio.Event(), []

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    tasks.spawn(work())
    await begun.wait()
    tasks.spawn(work())  # cancelled before its first step
    await tasks.cancel()
    assert ended == [True]
    assert len(tasks) == 0
    assert not caplog.records
