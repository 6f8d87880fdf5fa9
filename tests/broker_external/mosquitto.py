"""Debian's Mosquitto on a port of its own: with files, or with its dynamic security plugin; with or without TLS."""

import asyncio
import datetime
import shutil
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hub.broker.external import password_line
from hub.testing.process import free_port

PLUGIN = next(iter(sorted(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))), Path("missing"))
HUB = ("hub", "the hub's secret")
HUB_RULES = ["user hub", "topic readwrite smartplug/#"]
TESTER = ("tester", "x")
TESTER_RULES = ["user tester", "topic readwrite #"]


def found(name: str) -> str:
    """A program of Debian's packages."""
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert path is not None, f"{name} is missing: apt-get install mosquitto mosquitto-clients"
    return path


class Mosquitto:
    """`start` and `stop` as often as one likes, always on the same port. `persistent`: what is retained survives."""

    def __init__(
        self, folder: Path, *, dynamic: bool = False, persistent: bool = False, tls: "Certificates | None" = None
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.tls = tls
        self._dynamic = dynamic
        self._persistent = persistent
        self._process: asyncio.subprocess.Process | None = None
        self._passwords: list[str] = []
        self._rules: list[str] = []
        if not dynamic:
            self.add(password_line(*HUB), HUB_RULES)
            self.add(password_line(*TESTER), TESTER_RULES)

    def add(self, password: str, rules: Sequence[str]) -> None:
        """Put a login into the files; `reload` makes it count."""
        self._passwords.append(password)
        self._rules += rules
        self._write(self.folder / "passwords", self._passwords)
        self._write(self.folder / "rules", self._rules)

    async def start(self) -> None:
        """Until it listens."""
        lines = [f"listener {self.port} 127.0.0.1", "user root", "allow_anonymous false", "log_type all"]
        if self._dynamic:
            await self._initialise()
            lines += [f"plugin {PLUGIN}", f"plugin_opt_config_file {self._dynamic_file}"]
        else:
            lines += [f"password_file {self.folder / 'passwords'}", f"acl_file {self.folder / 'rules'}"]
        if self._persistent:
            lines += ["persistence true", f"persistence_location {self.folder}/"]
        if self.tls is not None:
            lines += [f"certfile {self.tls.certificate}", f"keyfile {self.tls.key}", "tls_version tlsv1.2"]
        config = self.folder / "mosquitto.conf"
        self._write(config, lines)
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                found("mosquitto"), "-c", str(config), stdout=log, stderr=log
            )
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    assert self._process.returncode is None, self.log()
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                await writer.wait_closed()
                return

    async def reload(self) -> None:
        """Read the files again; the broker does it within a second."""
        assert self._process is not None
        before = self.log().count("Reloading config")
        self._process.send_signal(1)
        async with asyncio.timeout(10):
            while self.log().count("Reloading config") == before:
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Ask it to end."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    def log(self) -> str:
        """All that it said."""
        return (self.folder / "mosquitto.log").read_text(errors="replace")

    async def run(self, program: str, *arguments: str, login: tuple[str, str] = TESTER) -> tuple[int, str]:
        """mosquitto_pub, _sub or _ctrl to its end; (exit code, output)."""
        tls = ["--cafile", str(self.tls.ca)] if self.tls is not None else []
        process = await asyncio.create_subprocess_exec(
            *(found(program), "-h", "127.0.0.1", "-p", str(self.port), "-u", login[0], "-P", login[1], *tls),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode is not None
        return process.returncode, out.decode(errors="replace")

    async def publish(self, topic: str, payload: str, *options: str, login: tuple[str, str] = TESTER) -> None:
        """One message with QoS 1."""
        code, said = await self.run("mosquitto_pub", "-q", "1", "-t", topic, "-m", payload, *options, login=login)
        assert code == 0, said

    async def control(self, *arguments: str) -> str:
        """mosquitto_ctrl dynsec … as the hub's own login."""
        code, said = await self.run("mosquitto_ctrl", "dynsec", *arguments, login=HUB)
        assert code == 0, said
        return said

    @property
    def _dynamic_file(self) -> Path:
        return self.folder / "dynamic-security.json"

    async def _initialise(self) -> None:
        if self._dynamic_file.exists():
            return
        process = await asyncio.create_subprocess_exec(
            *(found("mosquitto_ctrl"), "dynsec", "init", str(self._dynamic_file), *HUB),
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await process.wait() == 0

    @staticmethod
    def _write(path: Path, lines: Sequence[str]) -> None:
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o600)


class Certificates:
    """A certificate authority of its own, and a certificate of the broker for `name`."""

    def __init__(self, folder: Path, name: str = "localhost") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.certificate, self.key = folder / "ca.pem", folder / "broker.pem", folder / "broker.key"
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca = self._sign("Test CA", ca_key, "Test CA", ca_key, None)
        self.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        signed = self._sign("broker", key, "Test CA", ca_key, name)
        self.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    @staticmethod
    def _sign(
        subject: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: str,
        issuer_key: ec.EllipticCurvePrivateKey,
        host: str | None,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())
