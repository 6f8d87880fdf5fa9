"""`plughub demo`: five plugs and a new one, the real firmware, each replaying the recorded day of an appliance."""

import argparse
import asyncio
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from firmware.boards.desktop import DesktopPlug
from firmware.boards.recording import appliances
from hub.cli.numbers import number
from hub.cli.speech import say, sentence
from hub.messages import HubError

PLUGS_FILE = "demo.json"
PID_FILE = "demo.pid"

RING_SAMPLES = 3600  # an hour without a hub leaves no hole
POLL_S = 1.0
REFUSED = 3  # logins in a row after which the new plug's button is pressed


class DemoBroker(msgspec.Struct):
    """Where the hub listens for MQTT."""

    host: str
    port: int


class DemoPlug(msgspec.Struct):
    """One plug; the hub gave it its login and its place in the home. One with a `code` is paired by people."""

    hardware_id: str
    name: str
    room: str
    icon: str
    appliance: str
    secret: str = ""
    code: str = ""


class DemoPlugs(msgspec.Struct):
    """What the hub writes to `demo.json` in its data folder."""

    broker: DemoBroker
    plugs: list[DemoPlug]
    new: DemoPlug | None = None

    @property
    def all(self) -> list[DemoPlug]:
        """The new one last."""
        return self.plugs if self.new is None else [*self.plugs, self.new]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--data", type=Path, required=True, help=sentence("demo-data"))
    parser.add_argument("--stop", action="store_true", help=sentence("demo-stop"))
    parser.add_argument("--patience", type=number, default=600.0, metavar="SECONDS", help=sentence("demo-patience"))
    parser.add_argument("--replay-wait", type=number, default=5.0, metavar="SECONDS", help=sentence("demo-replay-wait"))


def run(args: argparse.Namespace) -> int:
    """Run the plugs until SIGTERM, SIGINT, or until no hub answers for --patience. Raises HubError("demo-runs")."""
    os.umask(0o077)
    if args.stop:
        stop(args.data)
        return 0
    with only_one(args.data):
        asyncio.run(Demo(args.data, args.patience, args.replay_wait).run())
    return 0


def stop(data: Path) -> None:
    """End the demo of this data folder and wait until it has ended; where none runs there is nothing to do."""
    try:
        with (data / PID_FILE).open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.kill(int(file.read()), signal.SIGTERM)
                fcntl.flock(file, fcntl.LOCK_EX)  # it lets go when it ends
    except (FileNotFoundError, ProcessLookupError):
        return


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold `demo.pid` with a lock for as long as this process lives: a pid that is merely written down may be stale.

    Raises HubError("demo-runs") when another demo holds it.
    """
    data.mkdir(parents=True, exist_ok=True)
    path = data / PID_FILE
    while True:
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise HubError("demo-runs", folder=str(data), pid=file.read().strip()) from None
            # The demo before us may have removed the file between our opening and locking it.
            if not path.exists() or path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                continue
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            try:
                yield
            finally:
                if _pid(data) == os.getpid():
                    path.unlink()
            return


def _pid(data: Path) -> int | None:
    """Which demo says that this data folder is its own."""
    try:
        return int((data / PID_FILE).read_text())
    except (OSError, ValueError):
        return None


class Demo:
    """The demo plugs of one data folder."""

    def __init__(self, data: Path, patience_s: float, replay_wait_s: float) -> None:
        self._data = data
        self._file = data / PLUGS_FILE
        self._patience_s = patience_s
        self._replay_wait_ms = round(replay_wait_s * 1000)
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Until a signal, or until patience ends."""
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self._ended.set)
        plugs: list[Any] = []
        try:
            found = await self._wait_for_file()
            if found is None:
                return
            plugs = [self._plug(entry, index) for index, entry in enumerate(found.all)]
            for plug in plugs:
                await plug.start()
            say("demo-started", count=len(found.plugs), host=found.broker.host, port=found.broker.port)
            if found.new is not None and not plugs[-1].paired:
                say("demo-new-plug", hardware_id=found.new.hardware_id, code=found.new.code)
            await self._watch(plugs)
        finally:
            await asyncio.gather(*[plug.stop() for plug in plugs])

    def _plug(self, entry: DemoPlug, index: int) -> Any:
        known = appliances()
        return DesktopPlug(
            "",
            0,
            entry.hardware_id,
            entry.secret,
            appliance=entry.appliance if entry.appliance in known else known[index % len(known)],
            ring_samples=RING_SAMPLES,
            replay_wait_ms=self._replay_wait_ms,
            flash_folder=str(self._data / "demo-flash" / entry.hardware_id) if entry.code else None,
            code=entry.code or None,
            broker=lambda: self._login(entry.hardware_id),
        )

    def _login(self, hardware_id: str) -> tuple[str, int, str]:
        """Read anew before each connection: a hub may come back on another port, or with new secrets."""
        found = self._read()
        for entry in found.all if found is not None else []:
            if found is not None and entry.hardware_id == hardware_id:
                return found.broker.host, found.broker.port, entry.secret
        raise OSError(f"{self._file} does not name {hardware_id}")

    def _read(self) -> DemoPlugs | None:
        """None while the file is not there, or not whole."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=DemoPlugs)
        except (OSError, msgspec.DecodeError):
            return None

    async def _wait_for_file(self) -> DemoPlugs | None:
        waited = 0.0
        while (found := self._read()) is None:
            if waited == 0:
                say("demo-waits", file=str(self._file))
            elif waited >= self._patience_s:
                say("demo-gives-up", minutes=round(self._patience_s / 60))
                return None
            if await self._pause():
                return None
            waited += POLL_S
        return found

    async def _watch(self, plugs: list[Any]) -> None:
        alone = 0.0
        while alone < self._patience_s:
            if await self._pause():
                return
            if _pid(self._data) not in {os.getpid(), None}:
                say("demo-replaced", folder=str(self._data))
                return
            for plug in plugs:  # the home removed it: its button makes it a new plug again
                if plug.settings.code and plug.paired and plug.refusals >= REFUSED:
                    plug.hold_button()
            alone = 0 if any(plug.online for plug in plugs) else alone + POLL_S
        say("demo-gives-up", minutes=round(self._patience_s / 60))

    async def _pause(self) -> bool:
        """One poll's time; True when a signal came."""
        try:
            await asyncio.wait_for(self._ended.wait(), POLL_S)
        except TimeoutError:
            return False
        return True
