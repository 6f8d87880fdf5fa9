"""A running broker, on both event loops that the hub runs on, and proof that it leaves nothing behind."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from tests.broker.parts import Bench


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop is what the hub uses where there is one."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A broker on a free port; `@pytest.mark.parametrize("bench", [Limits(...)], indirect=True)` sets its limits."""
    bench = Bench(request.param) if hasattr(request, "param") else Bench()
    await bench.start()
    yield bench
    await bench.stop()
    await asyncio.sleep(0)
    assert bench.clock.pending == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    gc.collect()  # what was not closed warns now, in the test that left it
