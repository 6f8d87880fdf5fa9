"""The certificates of a running hub: looked at each minute, renewed, taken up from the configuration's files."""

import plistlib
from collections.abc import Iterable
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from hub.auth.certificates import Certificates, Names
from hub.auth.certificates.profile import profile
from hub.auth.certificates.service import LOOK_EVERY_S
from hub.auth.certificates.x509 import der, span_of, utc
from hub.broker import Certificate
from hub.broker.tls import server_context
from hub.testing.clock import FakeClock
from tests.broker.certificates import make_certificate
from tests.certificates.parts import NAMES


class Network:
    """What the hub is called."""

    def __init__(self) -> None:
        self.names = NAMES

    def __call__(self, hub_id: str, extra: Iterable[str]) -> Names:
        return self.names


class Server:
    """Loads what it is given, as servers do."""

    def __init__(self) -> None:
        self.loaded: list[Certificate] = []

    def use(self, files: Certificate) -> None:
        server_context(files)
        self.loaded.append(files)


class Bench:
    """The service with a clock, a network and a report of its own."""

    def __init__(self, data: Path, **options: Any) -> None:
        self.clock = FakeClock()
        self.network = Network()
        self.reports: list[tuple[str, dict[str, Any]]] = []
        self.made = Certificates(
            data,
            self.clock,
            hub_id="1f00c3d9ab8e7762",
            label="Smart Plug AI",
            names=self.network,
            report=lambda problem, values: self.reports.append((problem, values)),
            **options,
        )
        self.web, self.plugs = Server(), Server()
        for door, server in ((self.made.web, self.web), (self.made.plugs, self.plugs)):
            if door is not None:
                door.use = server.use

    async def minute(self) -> None:
        """The service looks once; its work in a thread has ended when this returns."""
        await self.clock.advance(LOOK_EVERY_S)
        await self.made.look()


async def test_a_new_address_reaches_both_servers_and_nothing_else_does(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.made.start()
    first = len(bench.web.loaded)
    await bench.minute()
    assert len(bench.web.loaded) == first
    bench.network.names = Names(NAMES.dns, (ip_address("10.0.0.7"),))
    await bench.minute()
    assert len(bench.web.loaded) == len(bench.plugs.loaded) == first + 1
    assert bench.made.web is not None
    seen = bench.made.web.seen()
    assert seen is not None
    assert "10.0.0.7" in seen.names
    await bench.made.stop()


async def test_a_certificate_is_renewed_when_the_clock_becomes_certain(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plugs=False)
    bench.clock.is_certain = False
    bench.clock.step(-bench.clock.now())  # 1970
    await bench.made.start()
    assert bench.made.web is not None
    early = bench.made.web.issuer.leaf
    truth = span_of(early.certificate).end + timedelta(days=100)
    bench.clock.step(int(truth.timestamp() * 1000) - bench.clock.now())
    bench.clock.is_certain = True
    await bench.minute()
    begin, end = span_of(bench.made.web.issuer.leaf.certificate)
    assert begin < utc(bench.clock.now()) < end - timedelta(days=300)
    await bench.made.stop()


async def test_files_of_the_configuration_are_taken_up_when_they_change_and_can_be_used(tmp_path: Path) -> None:
    own = make_certificate(tmp_path, "own")
    bench = Bench(tmp_path, own_web=own, own_plugs=own)
    await bench.made.start()
    assert bench.made.plug_authority() is None
    assert not (tmp_path / "certificates").exists()
    own.key.write_text("half a key")
    await bench.minute()
    assert bench.web.loaded == []
    (problem, values), (of_mqtt, _) = bench.reports
    assert (problem, of_mqtt) == ("certificate-kept-web", "certificate-kept-mqtt")
    assert values["reason"].id == "tls-key-wrong"
    make_certificate(tmp_path, "own")
    await bench.minute()
    assert bench.web.loaded == bench.plugs.loaded == [own]
    assert bench.reports[-2:] == [("certificate-kept-web", {}), ("certificate-kept-mqtt", {})]
    await bench.made.stop()


async def test_damage_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "plugs-ca.pem").write_text("damage")
    bench = Bench(tmp_path, web=False)
    await bench.made.start()
    await bench.minute()
    damaged = [values["file"] for problem, values in bench.reports if problem == "certificate-damaged"]
    assert damaged == [str(tmp_path / "certificates" / "plugs-ca.pem.damaged")]
    assert bench.made.plug_authority() == der(bench.made.plugs.issuer.authority.certificate)  # type: ignore[union-attr]
    await bench.made.stop()


async def test_asked_for_by_hand_everything_is_issued_anew_by_the_same_authorities(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.made.start()
    assert bench.made.web is not None
    authority, leaf = bench.made.web.issuer.authority, bench.made.web.issuer.leaf
    await bench.made.look(anew=True)
    assert bench.made.web.issuer.authority == authority
    assert bench.made.web.issuer.leaf != leaf
    await bench.made.stop()


async def test_a_disk_that_is_full_costs_no_certificate_that_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, plugs=False)
    await bench.made.start()
    assert bench.made.web is not None
    leaf = bench.made.web.issuer.leaf

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hub.auth.certificates.issuer.write_secret", full)
    bench.network.names = Names(("other.lan",))
    await bench.clock.advance(LOOK_EVERY_S)
    with pytest.raises(OSError, match="No space"):
        await bench.made.look()
    assert bench.made.web.issuer.leaf == leaf
    monkeypatch.undo()
    await bench.minute()
    seen = bench.made.web.seen()
    assert seen is not None
    assert "other.lan" in seen.names
    await bench.made.stop()


async def test_the_apple_profile_holds_the_authority_and_is_the_same_each_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plugs=False)
    await bench.made.start()
    await bench.made.stop()
    assert bench.made.web is not None
    authority = bench.made.web.issuer.authority.certificate
    made = profile(authority, "Smart Plug AI", "what for")
    assert made == profile(authority, "Smart Plug AI", "what for")
    (content,) = plistlib.loads(made)["PayloadContent"]
    assert content["PayloadType"] == "com.apple.security.root"
    assert content["PayloadContent"] == der(authority)


async def test_it_knows_the_names_that_browsers_know_the_hub_by(tmp_path: Path) -> None:
    own = make_certificate(tmp_path)  # for localhost
    bench = Bench(tmp_path / "data", own_web=own)
    assert bench.made.known == {"localhost"}
    await bench.made.start()
    assert bench.made.known == {*NAMES.texts(), "localhost"}
    bench.network.names = Names(("plughub.local",))
    own.certificate.write_text("damaged")
    await bench.minute()
    assert bench.made.known == {"plughub.local"}
    await bench.made.stop()
