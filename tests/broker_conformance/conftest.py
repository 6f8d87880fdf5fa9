"""Each test runs against both brokers; a login as a plug is a third side where it has one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from hub.broker import Certificate, Listener, gather
from tests.broker.certificates import make_certificate, trusting
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
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Both brokers' own."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[Mosquitto]:
    """One process for all tests: started by the first that needs it."""
    folder: Path = tmp_path_factory.mktemp("mosquitto")
    process = Mosquitto(folder, certificate)
    yield process
    process.stop()


@asynccontextmanager
async def embedded(files: Certificate, carrier: str = "tcp") -> AsyncIterator[Side]:
    """The hub's broker in this process; nothing that a test did may have made it raise."""
    others = {
        "tls": Listener("127.0.0.1", 0, "tls", files),
        "websocket": Listener("127.0.0.1", 0, "websocket", websocket=True),
    }
    bench = Bench(None, [others[carrier]] if carrier in others else [])
    await bench.start()
    ports = {"tcp": bench.port, carrier: bench.broker.port(carrier) or bench.port}
    side = Side("hub", ports, bench, carrier, trusting(files) if carrier == "tls" else None)
    yield side
    side.close()
    await bench.stop()
    assert {name: count for name, count in bench.broker.stats().items() if name.endswith("_errors")} == {}


@pytest.fixture
def carrier() -> str:
    """What the connections of a test use: tcp, tls or websocket; a test file or a test parametrizes it."""
    return "tcp"


@pytest.fixture
async def hub(certificate: Certificate, carrier: str) -> AsyncIterator[Side]:
    """The hub's broker alone."""
    async with embedded(certificate, carrier) as side:
        yield side


@pytest.fixture(params=["at once", "in turns"])
def reading(request: pytest.FixtureRequest, hub: Side, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the hub reads plugs: each as it comes, or as it ships, all together; with less time between two turns, for
    a test waits for every one."""
    if request.param == "at once":
        hub.read_at_once()
    monkeypatch.setattr(gather, "CALM_S", 0.001)
    monkeypatch.setattr(gather, "BUSY_S", 0.001)
    return str(request.param)


@pytest.fixture(params=["hub", "mosquitto"])
def ports(request: pytest.FixtureRequest) -> dict[str, int] | None:
    """Mosquitto's; None: the hub."""
    if request.param == "hub":
        return None
    for mark in request.node.iter_markers("mosquitto_fails"):
        reason = f"[{mark.args[0].statement}] Mosquitto {mark.args[0].does}"
        request.applymarker(pytest.mark.xfail(strict=True, raises=(AssertionError, EOFError), reason=reason))
    process: Mosquitto = request.getfixturevalue("mosquitto")
    return process.ports


@pytest.fixture
async def side(ports: dict[str, int] | None, certificate: Certificate, carrier: str) -> AsyncIterator[Side]:
    """Either broker."""
    if ports is None:
        async with embedded(certificate, carrier) as side:
            yield side
        return
    side = Side("mosquitto", ports, None, carrier, trusting(certificate) if carrier == "tls" else None)
    yield side
    side.close()
