"""A running broker, and proof that it leaves nothing behind."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from tests.broker.parts import Bench


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
