"""`plughub demo` as a process, against a broker that stands for the hub."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from firmware.boards.recording import appliances
from tests.firmware.mqtt_broker import Broker
from tests.firmware.pythons import ROOT


def write(data: Path, port: int, secret: str = "0" * 64) -> None:
    plugs = [
        {
            "hardware_id": f"demo-{name.lower()}",
            "secret": secret,
            "name": name,
            "room": "Kitchen",
            "icon": "plug",
            "appliance": name,
        }
        for name in appliances()
    ]
    values = {"broker": {"host": "127.0.0.1", "port": port}, "plugs": plugs}
    part = data / "demo.part"
    part.write_text(json.dumps(values))
    part.replace(data / "demo.json")


class DemoProcess:
    """One `plughub demo`."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.process: asyncio.subprocess.Process

    async def start(self, *arguments: str) -> None:
        code = "import sys; from hub.cli import main; sys.exit(main())"
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", code, "demo", "--data", str(self._data), *arguments),
            cwd=ROOT,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def end(self, number: int = signal.SIGTERM) -> tuple[int | None, str, str]:
        """(exit code, standard output, standard error)."""
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> tuple[int | None, str, str]:
        out, err = await asyncio.wait_for(self.process.communicate(), 30)
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
async def demos(tmp_path: Path) -> AsyncIterator[Any]:
    made: list[DemoProcess] = []

    async def start(*arguments: str) -> DemoProcess:
        demo = DemoProcess(tmp_path)
        made.append(demo)
        await demo.start(*arguments)
        return demo

    yield start
    for demo in made:
        if demo.process.returncode is None:
            demo.process.kill()
            await demo.process.communicate()


def reporting(broker: Broker) -> int:
    """How many plugs have sent samples."""
    return len({message.topic for message in broker.on("telemetry")})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_five_plugs_until_a_signal(demos: Any, broker: Broker, tmp_path: Path, number: int) -> None:
    write(tmp_path, broker.port)
    demo = await demos()
    await broker.until(lambda: reporting(broker) == 5)
    assert (tmp_path / "demo.pid").read_text().strip() == str(demo.process.pid)
    statuses = [json.loads(message.payload) for message in broker.on("status")]
    assert all(status["buffer_s"] >= 3600 and status["status"] == "on" for status in statuses)
    code, out, err = await demo.end(number)
    assert (code, err) == (0, "")
    assert "5 demo plugs" in out
    assert not (tmp_path / "demo.pid").exists()
    assert all(connection.clean for connection in broker.connections)


async def test_it_waits_for_the_file_and_finds_the_hub_on_another_port(
    demos: Any, broker: Broker, tmp_path: Path
) -> None:
    demo = await demos()
    assert demo.process.stdout is not None
    assert b"demo.json" in await asyncio.wait_for(demo.process.stdout.readline(), 20)
    (tmp_path / "demo.json").write_text('{"broker"')  # the hub is still writing
    write(tmp_path, 1)
    await asyncio.wait_for(demo.process.stdout.readline(), 20)
    write(tmp_path, broker.port, "1" * 64)
    await broker.until(lambda: reporting(broker) == 5)
    assert {connection.hello.password for connection in broker.connections if connection.hello} == {"1" * 64}


async def test_a_second_one_is_refused(demos: Any, broker: Broker, tmp_path: Path) -> None:
    write(tmp_path, broker.port)
    first = await demos()
    await broker.until(lambda: reporting(broker) == 5)
    code, out, err = await (await demos()).ended()
    assert (code, out) == (1, "")
    assert str(first.process.pid) in err
    assert (tmp_path / "demo.pid").read_text().strip() == str(first.process.pid)
    assert first.process.returncode is None


async def test_a_stale_pid_file_is_no_obstacle(demos: Any, broker: Broker, tmp_path: Path) -> None:
    write(tmp_path, broker.port)
    (tmp_path / "demo.pid").write_text(f"{os.getpid()}\n")  # a pid that lives, of something else
    demo = await demos()
    await broker.until(lambda: reporting(broker) == 5)
    demo.process.kill()
    await demo.process.communicate()
    assert (tmp_path / "demo.pid").exists()
    again = await demos()
    count = len(broker.connections)
    await broker.until(lambda: len(broker.connections) == count + 5)
    assert (tmp_path / "demo.pid").read_text().strip() == str(again.process.pid)


async def test_it_survives_the_hub_and_ends_when_none_comes_back(demos: Any, broker: Broker, tmp_path: Path) -> None:
    write(tmp_path, broker.port)
    demo = await demos("--patience", "6")
    await broker.until(lambda: reporting(broker) == 5)
    await broker.stop()
    await broker.start()
    count = len(broker.connections)
    await broker.until(lambda: len(broker.connections) == count + 5)
    await broker.stop()
    code, out, err = await demo.ended()
    await broker.start()
    assert (code, err) == (0, "")
    assert "No hub has answered" in out


async def test_it_ends_when_the_folder_was_exchanged_and_another_demo_took_it(
    demos: Any, broker: Broker, tmp_path: Path
) -> None:
    write(tmp_path, broker.port)
    first = await demos()
    assert await first.process.stdout.readline()
    (tmp_path / "demo.pid").replace(tmp_path / "moved.pid")
    second = await demos()
    code, out, _ = await first.ended()
    assert code == 0
    assert "Another demo runs" in out
    assert int((tmp_path / "demo.pid").read_text()) == second.process.pid


async def test_it_ends_when_no_hub_ever_comes(demos: Any) -> None:
    code, out, _ = await (await demos("--patience", "1")).ended()
    assert code == 0
    assert "No hub has answered" in out
