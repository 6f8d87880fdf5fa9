"""The two brokers under test behind one face: the hub's own, and Mosquitto from Debian."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from hub.broker import Certificate
from hub.testing.process import free_port
from tests.broker.client import PATIENCE, Client
from tests.broker.parts import PASSWORD, Bench
from tests.broker.websocket import open_websocket

# The same rights as tests.broker.parts.CLIENTS.
RULES = """\
user all
topic readwrite #
topic read $SYS/#
user other
topic readwrite #
user reader
topic read home/#
"""
USERS = ("all", "other", "reader")
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


class Side:
    """A broker that listens; ids and topics of one test are its own (`root`), for Mosquitto outlives the test."""

    def __init__(
        self,
        name: str,
        ports: Mapping[str, int],
        bench: Bench | None,
        carrier: str = "tcp",
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`ports` by carrier: tcp, tls, websocket; `carrier`: what the test's connections use."""
        self.name, self.port, self.carrier = name, ports[carrier], carrier
        self._trust = trust
        self.root = f"t-{uuid.uuid4().hex[:10]}"
        self._bench = bench
        self._clients: list[Client] = []

    @property
    def is_hub(self) -> bool:
        return self._bench is not None

    def topic(self, name: str) -> str:
        """A topic that no other test uses."""
        return f"{self.root}/{name}"

    async def open(self) -> Client:
        """A connection, nothing of MQTT sent."""
        if self.carrier == "websocket":
            client = await open_websocket(self.port, patient=self.is_hub)  # Mosquitto lets 5 s pass
        elif self.carrier == "tls":
            streams = await asyncio.open_connection(
                "127.0.0.1", self.port, ssl=self._trust, server_hostname="localhost"
            )
            client = Client(*streams)
        else:
            client = await Client.open(self.port)
        self._clients.append(client)
        return client

    def id(self, name: str) -> str:
        """A client id that no other test uses."""
        return f"{self.root}-{name}"

    async def login(self, name: str = "", user: str = "all", **options: object) -> Client:
        """Logged in, with a client id that no other test uses ("" = any)."""
        client = await self.open()
        await client.log_in(self.id(name or uuid.uuid4().hex[:6]), user, PASSWORD, **options)
        return client

    async def plug(self, name: str = "plug-1", **options: object) -> Client:
        """Logged in as a plug (the hub only)."""
        client = await self.open()
        await client.log_in(name, name, PASSWORD, **options)
        return client

    def pass_time(self, seconds: float) -> None:
        """Move the hub's clock; Mosquitto's is real, so that whoever waits for it waits."""
        if self._bench is not None:
            self._bench.clock.advance(seconds)

    def read_at_once(self) -> None:
        """From now on the hub reads plugs that come as it reads everybody, not in turns."""
        assert self._bench is not None
        lane = self._bench.broker._lane
        if lane.gather is not None:
            lane.gather.close()
            lane.gather = None

    async def all_read(self) -> None:
        """Wait until the hub has read what has arrived from plugs: they are read in turns."""
        gather = None if self._bench is None else self._bench.broker._lane.gather
        async with asyncio.timeout(PATIENCE):
            while gather is not None and gather._epoll.poll(0):
                await asyncio.sleep(0)

    async def settled(self, **counters: int) -> None:
        """Wait until the hub's counters have these values."""
        assert self._bench is not None
        for name, value in counters.items():
            await self._bench.settled(name, value)

    def close(self) -> None:
        for client in self._clients:
            client.abort()


class Mosquitto:
    """A Mosquitto process with a password file and access rules, for all tests of this process."""

    def __init__(self, folder: Path, files: Certificate) -> None:
        assert MOSQUITTO is not None
        self.ports = {carrier: free_port() for carrier in ("tcp", "tls", "websocket")}
        self._folder = folder
        passwords, rules, self.log = folder / "passwords", folder / "rules", folder / "log"
        passwords.write_text("".join(f"{user}:{PASSWORD.decode()}\n" for user in USERS))
        passwords.chmod(0o600)
        subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, timeout=PATIENCE)
        rules.write_text(RULES)
        rules.chmod(0o600)
        configuration = folder / "mosquitto.conf"
        configuration.write_text(
            "user root\nallow_anonymous false\npersistence false\n"
            "set_tcp_nodelay true\n"  # otherwise a test waits 40 ms for each answer
            f"password_file {passwords}\nacl_file {rules}\nlog_dest file {self.log}\n"
            f"listener {self.ports['tcp']} 127.0.0.1\n"
            f"listener {self.ports['tls']} 127.0.0.1\ncertfile {files.certificate}\nkeyfile {files.key}\n"
            f"listener {self.ports['websocket']} 127.0.0.1\nprotocol websockets\n"
        )
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(configuration)])
        self._wait()

    def _wait(self) -> None:
        """Until it accepts connections."""
        begin = time.monotonic()
        while True:
            try:
                for port in self.ports.values():
                    socket.create_connection(("127.0.0.1", port), PATIENCE).close()
                return
            except ConnectionRefusedError:
                assert self._process.poll() is None, self.log.read_text()
                assert time.monotonic() - begin < PATIENCE
                time.sleep(0.01)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
