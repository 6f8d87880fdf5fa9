"""Two thousand plugs: all reconnect at once, plain and over TLS; and the garbage collector's pauses while they send.

`python -m benchmarks.broker_scale` is the client, a process of its own: one JSON object {"host", "port", "ca", "plugs"}
on standard input; {"first": s, "again": s} as one line: seconds from the first SYN to the last SUBACK.
"""

import asyncio
import datetime
import ipaddress
import json
import re
import ssl
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from benchmarks.mqtt import packet, text
from benchmarks.processes import Load, cpu_seconds, pin, resident_mb
from benchmarks.scenarios import Row, row
from hub.testing.process import HubProcess

PLUGS, QUICK_PLUGS = 2000, 200
PATIENCE = 120.0
ADDRESSES = 20
ADDING = 8  # requests at a time
PAUSE = re.compile(r"longest pause of the garbage collector: ([\d.]+) ms")


class Reconnecting(asyncio.Protocol):
    """Logs in and subscribes to what a plug of ours subscribes to."""

    def __init__(self, name: str, secret: str, done: asyncio.Future[None]) -> None:
        root = f"smartplug/{name}/"
        login = text(b"MQTT") + b"\x04\xc2\0\x78" + text(name.encode()) + text(name.encode()) + text(secret.encode())
        filters = b"".join(text((root + suffix).encode()) + b"\1" for suffix in ("control", "config", "ack"))
        self.hello = packet(0x10, login)
        self.subscription = packet(0x82, b"\0\1" + filters)
        self.done = done
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # uvloop's is none by its class
        self.transport.write(self.hello)

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        before, self._answer = self._answer, self._answer + data
        if len(before) < 4 <= len(self._answer):
            if self._answer[:4] != b"\x20\2\0\0":
                self.done.set_exception(ConnectionError(f"refused: {self._answer!r}"))
                return
            self.transport.write(self.subscription)
        if len(self._answer) >= 4 + 7:
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("closed before SUBACK"))


async def reconnect(
    host: str, port: int, plugs: list[list[str]], trust: ssl.SSLContext | None
) -> tuple[float, list[Reconnecting]]:
    """All at once; seconds, and the connections."""
    loop = asyncio.get_running_loop()
    made = [Reconnecting(name, secret, loop.create_future()) for name, secret in plugs]
    begin = time.perf_counter()
    name = "localhost" if trust else None
    # From several addresses: the hub takes only so many connections from one, and those cut off still count a while.
    connecting = [
        loop.create_connection(
            lambda one=one: one,
            host,
            port,
            ssl=trust,
            server_hostname=name,
            local_addr=(f"127.0.1.{number % ADDRESSES + 1}", 0),
        )
        for number, one in enumerate(made)
    ]
    await asyncio.wait_for(asyncio.gather(*connecting, *(one.done for one in made)), PATIENCE)
    return time.perf_counter() - begin, made


async def client() -> None:
    """Connect, cut all off, connect again."""
    order = json.loads(sys.stdin.readline())
    trust = ssl.create_default_context(cafile=order["ca"]) if order["ca"] else None
    first, connections = await reconnect(order["host"], order["port"], order["plugs"], trust)
    for connection in connections:
        connection.transport.abort()
    again, _ = await reconnect(order["host"], order["port"], order["plugs"], trust)
    print(json.dumps({"first": first, "again": again}), flush=True)


async def broker_scale(quick: bool) -> list[Row]:
    """The whole hub with 2,000 plugs (200 with `quick`)."""
    count, rows = QUICK_PLUGS if quick else PLUGS, []
    with tempfile.TemporaryDirectory(prefix="plughub-tls-") as folder:
        ca = _make_certificate(Path(folder))
        hub = HubProcess(
            "hub:\n  log: {levels: {collector: debug}}\nsecurity:\n  writes_per_minute: 1000000\n"
            "network:\n  mdns: false\n  mqtt:\n"
            f"    tls: {{certificate: {ca}, key: {folder}/hub.key}}\n"
            "    websocket: {enabled: false}\n"
        )
        try:
            await hub.start()
            pin(hub.pid, {0})
            await hub.set_up()
            plugs = await _add(hub, count)
            doors = (("plain", hub.mqtt_port, "", 2), ("TLS 1.3", hub.mqtts_port, str(ca), None))
            for name, port, file, limit in doors:
                before = cpu_seconds(hub.pid)
                took = await _client({"host": "127.0.0.1", "port": port, "ca": file, "plugs": plugs})
                used = (cpu_seconds(hub.pid) - before) / 2 / count * 1e3
                rows += [
                    row(f"{count} plugs connect at once, {name}", took["first"], "s", at_most=limit),
                    row(f"{count} plugs are cut off and reconnect, {name}", took["again"], "s", at_most=limit),
                    row(f"CPU of the hub a connection, {name}", used, "ms"),
                ]
            seconds = 5 if quick else 60
            load = Load(host="127.0.0.1", port=hub.mqtt_port, plugs=plugs, rate=count, seconds=seconds, qos=1)
            await load.connect()
            await load.run()
            rows.append(row(f"{count} plugs: resident", resident_mb(hub.pid), "MB"))
            await load.end()
            await hub.stop()
            found = PAUSE.search(hub.output())
            assert found is not None
            rows.append(row("garbage collector: longest pause in all", float(found[1]), "ms", at_most=20))
        finally:
            await hub.close()
    return rows


async def _add(hub: HubProcess, count: int) -> list[tuple[str, str]]:
    """Plugs of this hub; several requests at a time."""
    names = [f"scale-{number}" for number in range(count)]
    added: list[tuple[str, str]] = []
    for at in range(0, count, ADDING):
        part = names[at : at + ADDING]
        answers = await asyncio.gather(*(hub.add_plug(name) for name in part))
        added += [(name, secret) for name, (_, secret) in zip(part, answers, strict=True)]
    return added


async def _client(order: dict[str, object]) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.broker_scale", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    pin(process.pid, {1})
    out, _ = await process.communicate(json.dumps(order).encode() + b"\n")
    return dict(json.loads(out))


def _make_certificate(folder: Path) -> Path:
    """Self-signed, P-256 as the plugs' certificates are."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signed = builder.sign(key, hashes.SHA256())
    file = folder / "hub.pem"
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "hub.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


if __name__ == "__main__":
    uvloop.run(client())
