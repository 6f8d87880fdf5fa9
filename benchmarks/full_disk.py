"""A disk that is really full, and one that the kernel makes read-only: the whole hub on a small ext4, under load.

Needs root and loop devices: `script/bench --only full_disk`. What is checked makes it fail; what took how long is told.
"""

import asyncio
import contextlib
import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mqtt import Plug, packet, text
from benchmarks.scenarios import Row, row
from hub.plugins.contract import SeriesKey
from hub.testing.process import HubProcess
from integrations.storage.sqlite.store import SqliteStore

IMAGE_MB = 64
PLUGS, RATE, PACE_MS = 10, 200, 20  # samples a second of each, sent every 20 ms
BATCH = 120
FOREVER = 1 << 60
CONFIGURATION = "network:\n  mdns: false\nhistory:\n  commit_interval: 1 s\n"


class Keeping(Plug):
    """A plug that measures fast, keeps all of it, and sends again what is not acknowledged."""

    def __init__(self, hardware_id: str, secret: str, run: str, seq: int = 0) -> None:
        super().__init__(hardware_id, secret, 0, run)
        self.seq, self.acked = seq, -1
        self._more, self._closed = asyncio.Event(), asyncio.Event()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._more.set()

    def heard(self, topic: str, payload: bytes) -> None:
        if topic.endswith("/ack"):
            acks = json.loads(payload)["acks"]
            self.acked = max([self.acked, *(ack["seq"] for ack in acks if ack["run"] == self._run)])

    def reading(self, seq: int) -> dict[str, object]:
        """What it measured then; anyone can tell it again. Noise, so that it takes room."""
        chance = random.Random(f"{self.hardware_id} {seq}")
        volts, amperes = round(chance.uniform(225, 235), 3), round(chance.uniform(5, 7), 3)
        return {
            "voltage": volts,
            "current": amperes,
            "power": round(volts * amperes * chance.uniform(0.9, 1), 1),
            "energy_mwh": seq * 2,
            "relay_state": True,
            "up": seq * 1000 // RATE,
        }

    def hello(self) -> None:
        """Subscribe and report: that asks for an ack."""
        self.subscribe()
        self.send("status", {"status": "on", "run": self._run, "oldest": 0, "reason": "power_on"}, 1)

    async def live(self) -> None:
        """So many samples a second, until cancelled."""
        begin, first = time.monotonic(), self.seq
        while True:
            while self.seq < first + int((time.monotonic() - begin) * RATE):
                self.send("telemetry", {**self.reading(self.seq), "run": self._run, "seq": self.seq, "oldest": 0}, 0)
                self.seq += 1
            await asyncio.sleep(PACE_MS / 1000)

    async def replay(self) -> None:
        """Send what is not acknowledged, until all is."""
        while self.acked < self.seq - 1:
            before = self.acked
            for first in range(before + 1, self.seq, BATCH):
                readings = [self.reading(seq) for seq in range(first, min(first + BATCH, self.seq))]
                columns: dict[str, Any] = {name: [reading[name] for reading in readings] for name in readings[0]}
                place = {"run": self._run, "seq": first, "oldest": 0, "up": columns["up"][0], "dt": 1000 // RATE}
                goal = self.acknowledged + 1
                self.send("telemetry/batch", columns | place, 1)
                await self._until(lambda goal=goal: self.acknowledged >= goal)  # type: ignore[misc]
            await self._until(lambda before=before: self.acked > before)  # type: ignore[misc]

    def send(self, suffix: str, body: dict[str, object], qos: int) -> None:
        """To the hub."""
        topic = text(f"smartplug/{self.hardware_id}/{suffix}".encode())
        self.transport.write(packet(0x30 | qos << 1, topic + (b"\x00\x01" if qos else b"") + json.dumps(body).encode()))

    async def _until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not reached():
                self._more.clear()
                await self._more.wait()


class Card:
    """A small ext4 in a file. Raises CalledProcessError where that is not to be had."""

    def __init__(self, base: Path) -> None:
        self.image, self.mount = base / "image", base / "mount"
        self.mount.mkdir()
        with self.image.open("wb") as file:
            file.truncate(IMAGE_MB << 20)
        # -m 0: nothing is held back for root, as whom the hub runs here
        self._run("mkfs.ext4", "-q", "-m", "0", "-b", "4096", "-E", "lazy_itable_init=0", str(self.image))
        self.insert()

    def insert(self) -> None:
        """Mount it."""
        self._run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.mount))

    def remove(self) -> None:
        """Unmount it."""
        if self.mount.is_mount():
            self._run("umount", str(self.mount))

    def mend(self) -> None:
        """What a start of the machine does after an error."""
        found = subprocess.run(["e2fsck", "-p", "-f", str(self.image)], capture_output=True, check=False)
        if found.returncode > 1:
            raise RuntimeError(f"e2fsck: {found.returncode} {found.stdout.decode()}")

    def fill(self) -> None:
        """Another program takes all that is left."""
        with (self.mount / "filler").open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))
        assert os.statvfs(self.mount).f_bavail == 0, "it is not full"

    def empty(self) -> None:
        """The other program gives it back."""
        (self.mount / "filler").unlink()

    def fail(self) -> None:
        """The kernel meets an error and makes it read-only, as it does with a card that dies."""
        found = subprocess.run(["losetup", "-j", str(self.image)], check=True, capture_output=True, text=True)
        device = found.stdout.split(":")[0].removeprefix("/dev/")
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")
        try:
            (self.mount / "probe").touch()
        except OSError:
            return
        raise RuntimeError("the file system can still be written")

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True)


class Scene:
    """The hub on its card with its plugs."""

    def __init__(self, base: Path) -> None:
        self.card = Card(base)
        self.hub = HubProcess(CONFIGURATION, folder=base / "hub")
        self.hub.data = self.card.mount / "data"
        self.plugs: list[Keeping] = []
        self.logins: list[tuple[str, str, str]] = []  # hardware_id, secret, run
        self.devices: dict[str, str] = {}  # hardware_id -> id
        self._living: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Start, with its plugs added."""
        await self.hub.start()
        await self.hub.set_up()
        for k in range(PLUGS):
            name = f"plug-{k}"
            self.devices[name], secret = await self.hub.add_plug(name)
            self.logins.append((name, secret, f"{k + 1:016x}"))

    async def connect(self) -> None:
        """All plugs, each going on where it was."""
        loop, before = asyncio.get_running_loop(), {plug.hardware_id: plug.seq for plug in self.plugs}
        self.plugs = []
        for name, secret, run in self.logins:
            plug = Keeping(name, secret, run, before.get(name, 0))
            await loop.create_connection(lambda plug=plug: plug, "127.0.0.1", self.hub.mqtt_port)  # type: ignore[misc]
            if await plug.ready:
                raise ConnectionError(f"{name} was refused")
            plug.hello()
            self.plugs.append(plug)

    @contextlib.asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        """Every plug measures."""
        living = [asyncio.create_task(plug.live()) for plug in self.plugs]
        try:
            yield
        finally:
            for task in living:
                task.cancel()
            await asyncio.gather(*living, return_exceptions=True)

    def acked(self) -> int:
        """What all plugs together were told is safe."""
        return sum(plug.acked + 1 for plug in self.plugs)

    def sent(self) -> int:
        """What all plugs together have measured."""
        return sum(plug.seq for plug in self.plugs)

    async def problems(self) -> set[str]:
        """What an admin sees."""
        return {problem["id"] for problem in (await self.hub.call("GET", "/system/problems"))["items"]}

    async def until_stopped(self, within: float) -> float:
        """Seconds until no more is acknowledged and the hub says so."""
        begin = time.monotonic()
        while time.monotonic() - begin < within:
            before = self.acked()
            await asyncio.sleep(3)  # three commits
            if self.acked() == before and "history-not-stored" in await self.problems():
                return time.monotonic() - begin
        raise AssertionError(f"acks go on, or nothing is said: {await self.problems()}")

    async def check_alive(self, what: str) -> None:
        """Live values go on, and the hub can be asked. Raises AssertionError."""

        async def newest() -> list[int]:
            devices = (await self.hub.call("GET", "/devices"))["items"]
            return [device["channels"][0]["live"]["at"] for device in devices]

        before = await newest()
        await asyncio.sleep(1)
        after = await newest()
        assert all(b > a for a, b in zip(before, after, strict=True)), f"{what}: live values stand still"
        now = time.time_ns() // 1_000_000
        device = next(iter(self.devices.values()))
        chart = await self.hub.call("GET", "/telemetry", None, **{"device": device, "from": now - 60_000, "to": now})
        assert chart["series"][0]["at"], f"{what}: no chart"
        await self.hub.log_in()
        try:
            await self.hub.call("PATCH", f"/devices/{device}", {"room": what})
        except RuntimeError as error:
            assert "database-unwritable" in str(error), error
        assert self.hub.running, f"{what}: the hub ended"

    async def replayed(self) -> float:
        """Seconds until everything is acknowledged."""
        begin = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for plug in self.plugs:
                group.create_task(plug.replay())
        return time.monotonic() - begin

    def check_stored(self) -> int:
        """Everything that was measured is there, once; returns how many samples. Raises AssertionError."""
        store, count = SqliteStore(self.hub.data / "history.sqlite"), 0
        store.open()
        for plug, (name, _, run) in zip(self.plugs, self.logins, strict=True):
            columns = store.read_stream(SeriesKey(self.devices[name]), run, 0, FOREVER)
            assert columns is not None, f"{name}: nothing is there"
            assert np.array_equal(columns.seq, np.arange(plug.seq)), f"{name}: something is missing or twice"
            assert np.array_equal(columns.energy_mwh, np.arange(plug.seq) * 2)
            count += len(columns.seq)
        store.close()
        return count

    async def end(self) -> None:
        """Kill what runs, and take all of it away."""
        for plug in self.plugs:
            plug.transport.close()
        await self.hub.close()
        self.card.remove()


async def full_disk(quick: bool) -> list[Row]:
    """Under load until the disk is full, then room is made; then it turns read-only, and the hub starts again after."""
    base = Path(tempfile.mkdtemp(prefix="plughub-full-"))
    scene = Scene(base)
    try:
        return await _play(scene, 3 if quick else 30)
    finally:
        await scene.end()
        scene.card.image.unlink()
        scene.card.mount.rmdir()
        base.rmdir()


async def _play(scene: Scene, seconds: int) -> list[Row]:
    await scene.begin()
    await scene.connect()
    async with scene.load():
        await asyncio.sleep(seconds)
        assert scene.acked() > 0, "nothing was acknowledged"
        scene.card.fill()
        until_full = await scene.until_stopped(300)
        await scene.check_alive("full disk")
        kept_back = scene.sent() - scene.acked()
        scene.card.empty()
    from_full = await scene.replayed()
    assert "history-not-stored" not in await scene.problems(), "the problem stayed"
    async with scene.load():
        await asyncio.sleep(seconds)
        scene.card.fail()
        until_read_only = await scene.until_stopped(60)
        await scene.check_alive("read-only disk")
        promised = {plug.hardware_id: plug.acked for plug in scene.plugs}
    for plug in scene.plugs:
        plug.transport.close()
    code = await scene.hub.stop(within=60)
    scene.card.remove()
    scene.card.mend()
    scene.card.insert()
    await scene.hub.start()
    await scene.hub.log_in()
    await scene.connect()
    await asyncio.sleep(1)
    for plug in scene.plugs:
        assert plug.acked >= promised[plug.hardware_id], f"{plug.hardware_id}: what was acknowledged is lost"
    from_read_only = await scene.replayed()
    assert await scene.hub.stop(within=60) == 0
    assert "Traceback" not in scene.hub.output(), scene.hub.output()[-3000:]
    return [
        row("samples stored, each once, none missing", scene.check_stored(), ""),
        row("full disk: until acks stopped and an admin was told", until_full, "s"),
        row("full disk: kept by the plugs meanwhile", kept_back, "samples"),
        row("room made: until all was replayed and acknowledged", from_full, "s"),
        row("read-only: until acks stopped and an admin was told", until_read_only, "s"),
        row("read-only: exit code of the hub, which could not save", code, ""),
        row("mended and started again: until all was acknowledged", from_read_only, "s"),
    ]
