"""Each test runs against both brokers; a login as a plug is a third side where it has one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from tests.broker.parts import Bench
from tests.broker_conformance.sides import Mosquitto, Side


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mosquitto_fails(difference): a test that Mosquitto fails")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the hub uses where there is one; both are tested in tests/broker."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One process for all tests: started by the first that needs it."""
    folder: Path = tmp_path_factory.mktemp("mosquitto")
    process = Mosquitto(folder)
    yield process
    process.stop()


@asynccontextmanager
async def embedded() -> AsyncIterator[Side]:
    """The hub's broker in this process, over TCP; nothing that a test did may have made it raise."""
    bench = Bench()
    await bench.start()
    side = Side("hub", bench.port, bench)
    yield side
    side.close()
    await bench.stop()
    assert {name: count for name, count in bench.broker.stats().items() if name.endswith("_errors")} == {}


@pytest.fixture
async def hub() -> AsyncIterator[Side]:
    """The hub's broker alone."""
    async with embedded() as side:
        yield side


@pytest.fixture(params=["hub", "mosquitto"])
def port(request: pytest.FixtureRequest) -> int | None:
    """Mosquitto's port; None: the hub."""
    if request.param == "hub":
        return None
    for mark in request.node.iter_markers("mosquitto_fails"):
        reason = f"[{mark.args[0].statement}] Mosquitto {mark.args[0].does}"
        request.applymarker(pytest.mark.xfail(strict=True, raises=(AssertionError, EOFError), reason=reason))
    process: Mosquitto = request.getfixturevalue("mosquitto")
    return process.port


@pytest.fixture
async def side(port: int | None) -> AsyncIterator[Side]:
    """Either broker."""
    if port is None:
        async with embedded() as side:
            yield side
        return
    side = Side("mosquitto", port, None)
    yield side
    side.close()
