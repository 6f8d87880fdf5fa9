"""The hub and its peers as processes, and what the kernel says of them."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hub.testing.process import free_port

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mb(pid: int) -> float:
    """Resident memory in MB (2**20 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def pin(pid: int, cores: set[int]) -> None:
    """Keep a process on these cores, where the machine has more than one."""
    available = os.sched_getaffinity(0)
    if len(available) > 1:
        os.sched_setaffinity(pid, cores & available or available)


async def listening(port: int) -> None:
    """Wait until somebody listens there; ConnectionError after five seconds."""
    for _ in range(500):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    raise ConnectionError(f"nobody listens on port {port}")


class Mosquitto:
    """Debian's Mosquitto with a configuration of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: asyncio.subprocess.Process | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="mosquitto-bench-"))

    @staticmethod
    def path() -> str | None:
        """Where it is installed."""
        return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

    async def start(self) -> None:
        """Start and wait until it listens."""
        path = self.path()
        assert path is not None
        file = self.folder / "mosquitto.conf"
        file.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
        )
        self.folder.chmod(0o755)
        self.process = await asyncio.create_subprocess_exec(
            path, "-c", str(file), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        await listening(self.port)
        pin(self.process.pid, {0})

    async def stop(self) -> None:
        """End it."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()
        shutil.rmtree(self.folder)


class Load:
    """One run of benchmarks.load in a process on the other core."""

    def __init__(self, **order: Any) -> None:
        self.order = order
        self.process: asyncio.subprocess.Process | None = None

    async def connect(self) -> None:
        """Start the process and connect its plugs."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.load",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 28,
        )
        pin(self.process.pid, {1})
        await self._say(json.dumps(self.order))
        await self._hear()

    async def run(self) -> dict[str, Any]:
        """Load; returns what the generator counted."""
        await self._say("go")
        return await self._hear()

    async def end(self) -> None:
        """Disconnect."""
        assert self.process is not None
        await self._say("end")
        await self.process.wait()

    async def _say(self, line: str) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()

    async def _hear(self) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator died")
        return dict(json.loads(line))
