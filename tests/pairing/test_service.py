"""Windows: who may open them, what closes them, what a plug can and cannot do in one."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable
from typing import Any

import pytest

from hub.auth.audit import Asked
from hub.auth.principal import Principal
from hub.devices.pairing import protocol as p
from hub.devices.registry import Registry
from hub.events import DeviceAdded, DeviceFound
from hub.messages import HubError, render
from tests.devices.conftest import House
from tests.devices.fakes import record
from tests.pairing.desk import CODE, HUB_ID, Desk, Plug

OTHER = "0000111122223333"


async def refusal(work: Awaitable[Any]) -> str:
    with pytest.raises(HubError) as caught:
        await work
    return caught.value.id


async def test_every_step_and_what_is_left(desk: Desk, house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    desk.ca = b"\x30\x03\x02\x01\x01"
    window = await desk.open(house.user, room=" Kitchen ", icon="kettle")
    plug = Plug(desk)
    assert plug.hello()["ca_sha256"] == hashlib.sha256(desk.ca).hexdigest()
    answer = plug.proof()
    grant = plug.unsealed(answer)
    assert (grant["hub"], grant["tls_port"], answer["ca"]) == (HUB_ID, 8883, "MAMCAQE=")
    assert house.registry.by_hardware("plug-1") is None
    assert not await desk.logs_in("plug-1", "0" * 64)
    assert await desk.logs_in("plug-1", grant["secret"])
    device = house.registry.by_hardware("plug-1")
    assert device is not None
    assert (device.name, device.room, device.icon, device.model) == ("Kettle", "Kitchen", "kettle", "testmodel")
    assert house.registry.right(house.user, device) == "manage"
    assert house.registry.secret_hash("plug-1") == hashlib.sha256(grant["secret"].encode()).digest()
    state = desk.pairing.state(house.user, window.id)
    assert (state.state, state.device, state.error, state.tries_left) == ("done", device.id, None, 5)
    assert desk.steps == ["waiting", "heard", "proved", "sealed", "done"]
    assert desk.broker.dropped == ["plug-1"]
    assert not desk.pairing.is_open("plug-1")
    assert plug.hello() is None
    kept = repr([vars(desk.pairing), desk.events, *desk.pairing._windows.all()]) + caplog.text
    assert CODE not in kept and grant["secret"] not in kept


async def test_five_wrong_proofs_close_it(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    window = await desk.open()
    plug = Plug(desk)
    for number in range(1, 6):
        assert plug.hello() is not None
        assert plug.proof(bytes(32)) is None
        assert plug.proof() is None  # each exchange is good for one try
        assert desk.pairing.state(desk.house.admin, window.id).tries_left == 5 - number
    assert desk.steps[-1] == "failed"
    assert desk.errors.count("pairing-code-wrong") >= 5
    assert len([r for r in caplog.records if "wrong proof" in r.message]) == 5
    assert CODE not in caplog.text
    assert plug.hello() is None and not desk.pairing.is_open("plug-1")
    assert desk.broker.dropped == ["plug-1"]


async def lines(desk: Desk) -> list[tuple[str | None, str, str, str | None, Any, int]]:
    """Of the audit log about pairing, refusals first."""
    audit = desk.house.identity.audit
    await audit.stop()
    found = await audit.page(desk.house.admin, Asked(action="pairing"), below=None, limit=100)
    return [
        (line.actor, line.origin, line.action, line.object, line.refused or line.after, line.count)
        for line in sorted(found, key=lambda line: (line.object, line.refused is None))
    ]


async def test_wrong_proofs_and_the_end_that_they_bring_are_in_the_audit_log(desk: Desk) -> None:
    await desk.open()
    assert desk.pairing.let_in("plug-1", "10.0.0.66")
    assert not desk.pairing.let_in("plug-2", "10.0.0.66")
    plug = Plug(desk)
    for _ in range(5):
        plug.hello()
        plug.proof(bytes(32))
    assert await lines(desk) == [
        (None, "10.0.0.66", "pairing.refused", "plug-1", "pairing-code-wrong", 5),
        ("system", "10.0.0.66", "pairing.closed", "plug-1", {"reason": "pairing-code-wrong"}, 1),
    ]


async def test_a_window_that_ends_by_itself_says_why_and_one_that_is_cancelled_or_done_does_not(desk: Desk) -> None:
    cancelled = await desk.open(hardware_id="plug-2")
    desk.pairing.cancel(desk.house.admin, cancelled.id)
    await desk.open()
    await desk.logs_in("plug-1", Plug(desk).pairs()["secret"])
    await desk.open(hardware_id="plug-3")
    await desk.house.clock.advance(601)
    assert await lines(desk) == [("system", "hub", "pairing.closed", "plug-3", {"reason": "pairing-expired"}, 1)]


async def test_a_plug_with_another_code_says_so_and_that_counts(desk: Desk) -> None:
    await desk.open(code=OTHER)
    plug = Plug(desk)
    for _ in range(5):
        answer = plug.hello()
        assert plug.exchange is not None
        assert answer["proof_h"] != p.proof(plug.exchange, p.HUB).hex()
        assert plug.complains() is None
        assert plug.complains() is None  # the same once more counts no more
    assert desk.steps == ["waiting", *["heard"] * 5, "failed"]
    assert [error for error in desk.errors if error] == ["pairing-code-wrong"] * 5


async def test_the_hubs_own_proof_sent_back_is_wrong(desk: Desk) -> None:
    await desk.open()
    plug = Plug(desk)
    answer = plug.hello()
    assert plug.proof(bytes.fromhex(answer["proof_h"])) is None
    assert desk.errors[-1] == "pairing-code-wrong"


async def test_what_belongs_to_another_exchange_counts_nothing(desk: Desk) -> None:
    window = await desk.open()
    plug, late = Plug(desk), Plug(desk)
    late.hello()
    plug.hello()
    assert late.proof() is None and late.complains() is None
    assert desk.pairing.state(desk.house.admin, window.id).tries_left == 5
    assert plug.proof() is not None


async def test_what_comes_twice_is_answered_twice_alike(desk: Desk) -> None:
    await desk.open()
    plug = Plug(desk)
    assert plug.hello() == plug.hello(again=True)
    answer = plug.proof()
    assert answer is not None
    assert answer == plug.proof()
    assert plug.hello(again=True) is not None
    assert answer == plug.proof()


async def test_a_plug_may_begin_again_until_it_has_logged_in(desk: Desk) -> None:
    await desk.open()
    plug = Plug(desk)
    first, second = plug.pairs(), plug.pairs()
    assert first == second
    assert desk.steps[1:] == ["heard", "proved", "sealed"] * 2
    assert await desk.logs_in("plug-1", first["secret"])
    assert desk.steps[-1] == "done"


async def test_who_does_not_know_the_code_changes_nothing_of_the_plug_that_does(desk: Desk, house: House) -> None:
    await desk.open()
    secret = Plug(desk).pairs()["secret"]
    assert Plug(desk, channels=16).hello() is not None
    await desk.logs_in("plug-1", secret)
    device = house.registry.by_hardware("plug-1")
    assert device is not None and len(device.channels) == 1


async def test_ten_minutes(desk: Desk) -> None:
    window = await desk.open()
    assert window.expires - window.opened == 600_000
    plug = Plug(desk)
    secret = plug.pairs()["secret"]
    await desk.house.clock.advance(599)
    assert plug.hello() is not None
    await desk.house.clock.advance(2)
    assert desk.steps[-1] == "expired" and desk.errors[-1] == "pairing-expired"
    assert plug.hello() is None and plug.proof() is None
    assert not await desk.logs_in("plug-1", secret)
    assert desk.house.registry.by_hardware("plug-1") is None
    assert desk.pairing.state(desk.house.admin, window.id).state == "expired"


async def test_one_window_a_plug_and_twenty_at_once(desk: Desk, house: House) -> None:
    await desk.open(house.user)
    assert await refusal(desk.open(house.admin)) == "pairing-busy"
    await desk.open(house.user, code=OTHER)
    assert desk.steps == ["waiting", "failed", "waiting"] and desk.errors[1] == "pairing-cancelled"
    for number in range(2, 21):
        await desk.open(hardware_id=f"plug-{number}")
    assert await refusal(desk.open(hardware_id="plug-21")) == "pairing-too-many"
    await house.clock.advance(601)
    assert await desk.open(hardware_id="plug-21")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"code": "K7QM2XPA9D4THV3"}, "pairing-code-invalid"),
        ({"code": ""}, "pairing-code-invalid"),
        ({"code": "K7QM2XPA9D4THV3U"}, "pairing-code-invalid"),
        ({"code": "Ä7QM2XPA9D4THV3N"}, "pairing-code-invalid"),
        ({"code": "0" * 33}, "pairing-code-invalid"),
        ({"code": f"PLUGHUB:2:plug-1:{CODE}"}, "pairing-code-invalid"),
        ({"code": f"PLUGHUB:1:plug-2:{CODE}"}, "pairing-label-other"),
        ({"hardware_id": "pair-plug-1"}, "hardware-id-invalid"),
        ({"hardware_id": "a/b"}, "hardware-id-invalid"),
        ({"name": " "}, "name-invalid"),
        ({"room": "x" * 100}, "name-invalid"),
        ({"replace": "nothing"}, "device-unknown"),
    ],
)
async def test_refused(desk: Desk, values: dict[str, Any], expected: str) -> None:
    assert await refusal(desk.open(**values)) == expected
    assert desk.steps == []


async def test_rights(desk: Desk, house: House) -> None:
    assert await refusal(desk.open(house.guest)) == "forbidden"
    window = await desk.open(house.user)
    other = Principal("somebody", "another home", "admin")
    mate = await house.member("cy@example.org", "user")
    for stranger in (other, mate, house.guest):
        assert desk.pairing.list(stranger) == []
        for call in (desk.pairing.state, desk.pairing.cancel):
            with pytest.raises(HubError, match="no such pairing"):
                call(stranger, window.id)
    assert desk.pairing.list(house.admin) == desk.pairing.list(house.user) == [window]
    device, _ = await house.registry.add(house.admin, hardware_id="plug-9", name="Fridge")
    await house.registry.share(house.admin, device.id, house.user.user, "control")
    assert await refusal(desk.open(house.user, "plug-2", replace=device.id)) == "forbidden"
    assert await refusal(desk.open(house.user, "plug-9")) == "hardware-id-taken"
    assert await refusal(desk.open(other, "plug-9")) == "hardware-id-taken"
    assert desk.pairing.cancel(house.admin, window.id).state == "failed"
    assert desk.pairing.cancel(house.user, window.id).error.id == "pairing-cancelled"


async def test_who_lost_the_right_meanwhile_adds_nothing(house: House) -> None:
    desk = Desk(house)
    desk.pairing._principal_of = lambda user, home: None
    await desk.open(house.user)
    secret = Plug(desk).pairs()["secret"]
    await desk.logs_in("plug-1", secret)
    assert desk.steps[-1] == "failed" and desk.errors[-1] == "forbidden"
    assert house.registry.by_hardware("plug-1") is None
    desk.pairing._principal_of = lambda user, home: Principal(user, home, "guest")
    await desk.open(house.user)
    await desk.logs_in("plug-1", Plug(desk).pairs()["secret"])
    assert desk.errors[-1] == "forbidden"
    await desk.pairing.stop()


async def test_a_new_plug_takes_the_place_of_a_dead_one(desk: Desk, house: House) -> None:
    device, _ = await house.registry.add(house.admin, hardware_id="plug-dead", name="Fridge", channels=2)
    added = record(house.bus, DeviceAdded)
    one = await desk.open(replace=device.id)
    assert (one.replaces, one.name) == (device.id, "Fridge")
    await desk.logs_in("plug-1", Plug(desk, channels=1).pairs()["secret"])
    failed = desk.pairing.state(house.admin, one.id)
    assert failed.error is not None
    assert "1 outlet, the old one 2" in render(failed.error)
    await desk.open(replace=device.id)
    await desk.logs_in("plug-1", Plug(desk, channels=2).pairs()["secret"])
    assert house.registry.by_hardware("plug-1") is device is house.registry.device(device.id)
    assert house.registry.by_hardware("plug-dead") is None
    assert (device.name, device.model, added) == ("Fridge", "testmodel", [])


async def test_a_reset_plug_is_the_same_device_and_its_old_secret_holds_until_then(desk: Desk, house: House) -> None:
    device, old = await house.registry.add(house.admin, hardware_id="plug-1", name="Fridge")
    window = await desk.open(name="whatever")
    assert (window.replaces, window.name) == (device.id, "Fridge")
    secret = Plug(desk).pairs()["secret"]
    assert house.registry.secret_hash("plug-1") == hashlib.sha256(old.encode()).digest()
    await desk.logs_in("plug-1", secret)
    assert house.registry.secret_hash("plug-1") == hashlib.sha256(secret.encode()).digest()
    assert house.registry.by_hardware("plug-1") is device


async def test_a_full_disk_is_told_and_the_next_login_succeeds(
    desk: Desk, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.open()
    secret = Plug(desk).pairs()["secret"]

    async def full(*args: Any, **values: Any) -> None:
        raise OSError(28, "full")

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "add", full)
        assert await desk.logs_in("plug-1", secret)
    assert desk.steps[-1] == "sealed" and desk.errors[-1] == "pairing-not-stored"
    assert desk.broker.dropped == ["plug-1"]
    assert await desk.logs_in("plug-1", secret)
    assert desk.steps[-1] == "done"


async def test_time_ends_while_the_device_is_written(desk: Desk, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.open()
    secret = Plug(desk).pairs()["secret"]
    written = asyncio.Event()
    real = Registry.add

    async def slow(self: Registry, *args: Any, **values: Any) -> Any:
        await written.wait()
        return await real(self, *args, **values)

    monkeypatch.setattr(Registry, "add", slow)
    digest = hashlib.sha256(secret.encode()).digest()
    assert desk.pairing.accepts("plug-1", digest) and desk.pairing.accepts("plug-1", digest)
    await house.clock.advance(601)
    assert desk.pairing.completing == {"plug-1"}
    written.set()
    while desk.pairing.completing:
        await asyncio.sleep(0)
    assert desk.steps[-1] == "done" and len(house.registry.all()) == 1


async def test_a_new_ca_in_between_makes_the_plug_begin_again(desk: Desk) -> None:
    await desk.open()
    plug = Plug(desk)
    plug.hello()
    desk.ca = b"another"
    assert plug.proof() is None
    assert plug.hello(again=True) is not None
    assert plug.proof() is not None


async def test_the_answer_takes_as_long_for_everybody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.open()
    Plug(desk).hello()
    compared: list[int] = []
    real = hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        compared.append(len(a) + len(b))
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for name in ("plug-1", "nobody"):
        assert not desk.pairing.accepts(name, bytes(32))
    assert compared == [64, 64]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 4000,
        b'{"nonce_p":"%s"}' % (b"0" * 31),
        b'{"nonce_p":"%s"}' % (b"G" * 32),
        b'{"nonce_p":"%s\\n"}' % (b"0" * 32),
        b'{"nonce_p":"%s","channels":0}' % (b"0" * 32),
        b'{"nonce_p":"%s","channels":17}' % (b"0" * 32),
        b'{"nonce_p":"%s","model":"%s"}' % (b"0" * 32, b"x" * 65),
        b'{"nonce_p":"%s","x":"%s"}' % (b"0" * 32, b"x" * 5000),
        b'{"nonce_h":"%s"}' % (b"0" * 32),
        b'{"proof_p":"%s"}' % (b"0" * 64),
    ],
)
async def test_garbage(desk: Desk, payload: bytes) -> None:
    window = await desk.open()
    desk.pairing.message("plug-1", payload)
    desk.pairing.message("nobody", payload)
    assert desk.broker.sent == []
    assert desk.pairing.state(desk.house.admin, window.id) == window


async def test_who_knocks_is_found_and_forgotten(desk: Desk, house: House) -> None:
    await house.registry.add(house.admin, hardware_id="plug-known", name="Known")
    for name in ("plug-b", "plug-a", "plug-a", "plug-known", "no/id", "x"):
        desk.pairing.knocked(name, "10.0.0.7")
    assert [(found.hardware_id, found.address) for found in desk.pairing.knocking()] == [
        ("plug-a", "10.0.0.7"),
        ("plug-b", "10.0.0.7"),
    ]
    for number in range(100):
        desk.pairing.knocked(f"flood-{number}", "10.0.0.8")
    assert len(desk.pairing.knocking()) == 19
    await house.clock.advance(20)
    desk.pairing.knocked("plug-a", "10.0.0.7")
    await house.clock.advance(20)
    assert [found.hardware_id for found in desk.pairing.knocking()] == ["plug-a"]
    await desk.open(hardware_id="plug-a")
    await desk.logs_in("plug-a", Plug(desk, "plug-a").pairs()["secret"])
    assert desk.pairing.knocking() == []
    told = [(event.hardware_id, event.gone) for event in desk.events if isinstance(event, DeviceFound)]
    assert told.count(("plug-a", False)) == told.count(("plug-a", True)) == 1
    assert ("plug-b", True) in told and ("plug-known", False) not in told


async def test_of_an_own_broker_nothing_is_paired(house: House) -> None:
    desk = Desk(house)
    desk.pairing.offered = False
    assert await refusal(desk.open()) == "pairing-own-broker"
    await desk.pairing.stop()


async def test_a_hub_that_stops_forgets_every_code(desk: Desk) -> None:
    await desk.open()
    await desk.pairing.stop()
    assert desk.errors[-1] == "pairing-hub-stopped"
    assert CODE not in repr(desk.pairing._windows.all())
