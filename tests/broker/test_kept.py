"""Retained messages and sessions of clients outlive the hub; what is damaged or no longer allowed does not."""

import asyncio
import errno
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hub.broker import Limits, Login
from hub.broker.keeper import FILE_NAME
from hub.broker.kept import Sessions, Stored
from hub.broker.statefile import HEAD, PIECE, SMALL, StateFile
from hub.broker.topics import FilterIndex
from tests.broker import parts
from tests.broker.client import acknowledge, publish
from tests.broker.parts import Bench, StandingClock


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(folder=tmp_path)
    await bench.start()
    yield bench
    await bench.stop()


async def saved(bench: Bench) -> None:
    """Let ten seconds pass, and wait until what changed is written."""
    bench.clock.advance(10)
    keeper = bench.broker._keeper
    assert keeper is not None
    assert keeper._saving is not None
    await keeper._saving


async def killed(bench: Bench) -> None:
    """A new hub over a copy of what the old one had on disk at this moment, as after kill -9."""
    assert bench.folder is not None
    copy = bench.folder / "copy"
    copy.mkdir()
    for file in bench.folder.glob(FILE_NAME + "*"):
        shutil.copy(file, copy)
    await bench.broker.stop()
    bench.folder = copy
    bench.broker = bench._make()
    await bench.broker.start()


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_retained_messages_outlive_the_hub(kept: Bench, how: str) -> None:
    client = await kept.login("all")
    for topic, payload in (("a", b"1"), ("b", b"2"), ("c/ä", b"\0\xff")):
        await client.publish(topic, payload, 1, retain=True)
    await saved(kept)
    await client.publish("b", b"", 1, retain=True)
    await client.publish("a", b"later", 1, retain=True)
    if how == "stop":
        await kept.restart()
    else:
        await saved(kept)
        await killed(kept)
    client = await kept.login("all")
    await client.subscribe(("#", 1))
    found = sorted([await client.message(), await client.message()])
    assert [message[:4] for message in found] == [("a", b"later", 1, True), ("c/ä", b"\0\xff", 1, True)]
    await client.nothing()


async def test_a_kill_costs_no_more_than_the_last_ten_seconds(kept: Bench) -> None:
    client = await kept.login("all")
    await client.publish("first", b"1", 1, retain=True)
    await saved(kept)
    await client.publish("second", b"2", 1, retain=True)
    await killed(kept)
    client = await kept.login("all")
    await client.subscribe(("#", 1))
    assert (await client.message()).topic == "first"
    await client.nothing()


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_session_goes_on_in_another_hub(kept: Bench, how: str) -> None:
    client = await kept.login("all", "keeper", clean=False)
    await client.subscribe(("n/#", 2))
    other = await kept.login("other")
    for number, qos in enumerate((1, 2, 2)):
        other.send(publish(f"n/{number}", b"x", qos, 10 + number))
        await other.expect(4 if qos == 1 else 5)
    for packet_id in (1, 2, 3):
        assert (await client.expect(3)).body[5:7] == packet_id.to_bytes(2, "big")
    client.send(acknowledge(5, 2))  # PUBREC of the second: PUBREL comes, PUBCOMP does not go
    await client.expect(6)
    client.send(publish("mine", b"", 2, 77))
    await client.expect(5)
    client.abort()
    await kept.settled("clients", 1)
    await other.publish("n/away", b"waits", 1)
    await other.publish("n/lost", b"QoS 0 does not")
    if how == "stop":
        await kept.restart()
    else:
        await saved(kept)
        await killed(kept)
    other = await kept.login("other")
    await other.publish("n/later", b"before it came", 1)
    client = await kept.login("all", "keeper", clean=False)
    assert client.session_present
    first = client.decode(await client.expect_publish())
    assert (first.topic, first.qos, first.duplicate, first.packet_id) == ("n/0", 1, True, 1)
    assert (await client.expect(6)).body == b"\0\2"
    third = client.decode(await client.expect_publish())
    assert (third.topic, third.qos, third.duplicate, third.packet_id) == ("n/2", 2, True, 3)
    assert [(await client.message())[:2] for _ in range(2)] == [("n/away", b"waits"), ("n/later", b"before it came")]
    listener = await kept.login("other", "listener")
    await listener.subscribe(("mine", 2))
    client.send(publish("mine", b"", 2, 77, dup=True))  # the old hub took it; it is not delivered twice
    await client.expect(5)
    await listener.nothing()


async def test_what_does_not_change_is_not_written(kept: Bench, tmp_path: Path) -> None:
    client = await kept.login("all", clean=False)
    await client.subscribe(("t", 1))
    await client.publish("r", b"1", 1, retain=True)
    await saved(kept)
    file = tmp_path / FILE_NAME
    before = file.stat()
    for _ in range(3):
        await client.ping()
        await saved(kept)
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    for number in range(100):
        await client.publish("r", b"%d" % number, 1, retain=True)
    await saved(kept)
    assert 0 < file.stat().st_size - before.st_size < 400


async def test_a_clean_session_leaves_nothing_behind(kept: Bench) -> None:
    client = await kept.login("all", clean=False)
    await client.subscribe(("t", 1))
    await client.disconnect()
    await saved(kept)
    client = await kept.login("all", clean=True)
    await client.subscribe(("t", 1))
    await kept.restart()
    assert kept.broker.stats()["sessions"] == kept.broker.stats()["filters"] == 0
    client = await kept.login("all", clean=False)
    assert not client.session_present


async def test_sessions_of_a_removed_login_go_with_it(kept: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("all", "reader"):
        client = await kept.login(name, "one", clean=False)
        await client.subscribe(("home/#", 1))
        await client.disconnect()
    living = await kept.login("all", "two", clean=False)
    await living.subscribe(("x", 1))
    await kept.settled("sessions", 3)
    monkeypatch.delitem(parts.CLIENTS, "all")
    kept.broker.drop_client("all")
    await living.closed()
    await kept.settled("clients", 0)
    assert (kept.broker.stats()["sessions"], kept.broker.stats()["filters"]) == (1, 1)
    await kept.restart()
    assert kept.broker.stats()["sessions"] == 1
    monkeypatch.delitem(parts.CLIENTS, "reader")  # while the hub does not run
    await kept.restart()
    assert (kept.broker.stats()["sessions"], kept.broker.stats()["filters"]) == (0, 0)


async def test_filters_that_a_login_may_no_longer_read_are_not_restored(
    kept: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await kept.login("all", clean=False)
    await client.subscribe(("home/#", 1), ("secret", 1))
    monkeypatch.setitem(parts.CLIENTS, "all", Login("client", "all", ("home/#",), ()))
    await kept.restart()
    assert kept.broker.stats()["filters"] == 1


async def test_a_damaged_file_is_set_aside_and_the_rest_reads_on(kept: Bench, tmp_path: Path) -> None:
    client = await kept.login("all")
    for number in range(3):
        await client.publish(f"t/{number}", b"%d" % number, 1, retain=True)
        await saved(kept)
    await kept.broker.stop()
    file = tmp_path / FILE_NAME
    data = bytearray(file.read_bytes())
    data[data.index(b"t/1")] ^= 1
    file.write_bytes(data)
    kept.broker = kept._make()
    await kept.broker.start()
    aside = tmp_path / (FILE_NAME + ".damaged")
    assert kept.reported == [("mqtt-state-damaged", {"file": str(aside)})]
    assert aside.read_bytes() == data
    for _ in range(2):  # and without another word
        client = await kept.login("all")
        await client.subscribe(("t/+", 0))
        assert sorted([(await client.message()).topic, (await client.message()).topic]) == ["t/0", "t/2"]
        await kept.restart()
    assert len(kept.reported) == 1


async def test_a_full_disk_is_said_once_and_loses_nothing(kept: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await kept.login("all")
    await client.publish("a", b"1", 1, retain=True)
    await saved(kept)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        await client.publish("b", b"2", 1, retain=True)
        await saved(kept)
        await saved(kept)
    assert kept.reported == [("mqtt-state-unwritable", {"reason": "No space left on device"})]
    await saved(kept)
    assert kept.reported[1:] == [("mqtt-state-unwritable", {})]
    await killed(kept)
    assert kept.broker.stats()["retained"] == 2


def test_a_write_that_was_cut_short_costs_only_itself(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state")
    file.rewrite({"a": b"1"}.items())
    whole = (tmp_path / "state").stat().st_size
    file.append({"b": b"2", "a": None}.items())
    data = (tmp_path / "state").read_bytes()
    for cut in range(whole, len(data)):
        for tail in (b"", b"\0" * 100):
            (tmp_path / "state").write_bytes(data[:cut] + tail)
            again = StateFile(tmp_path / "state")
            assert again.load() == ({"a": b"1"}, None)
            again.append({"c": b"3"}.items())
            assert StateFile(tmp_path / "state").load() == ({"a": b"1", "c": b"3"}, None)


def test_much_is_written_piece_by_piece_and_counts_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for all clients is never in memory a second time; an error in the middle leaves nothing of it."""
    made = written = fails_at = 0
    a_piece = PIECE // 50_000 + 1  # values in a record

    def values() -> Iterator[tuple[str, bytes]]:
        nonlocal made
        for number in range(100):
            made += 1
            yield f"{number}", b"x" * 50_000

    def write(descriptor: int, data: memoryview) -> int:
        nonlocal written
        written += 1
        assert made <= written * a_piece, "the next piece is made when this one is written"
        if written == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data)

    file = StateFile(tmp_path / "state")
    file.rewrite({"first": b"1"}.items())
    real = os.write
    monkeypatch.setattr(os, "write", write)
    fails_at = 3
    with pytest.raises(OSError, match="No space"):
        file.append(values())
    assert StateFile(tmp_path / "state").load() == ({"first": b"1"}, None)
    made = written = fails_at = 0
    file.append(values())
    assert written == 100 // a_piece + 1
    loaded, aside = StateFile(tmp_path / "state").load()
    assert (len(loaded), aside) == (101, None)


@pytest.mark.parametrize("place", range(0, 60, 3))
def test_a_wrong_byte_anywhere_costs_no_other_record(tmp_path: Path, place: int) -> None:
    file = StateFile(tmp_path / "state")
    file.rewrite({"first": b"1"}.items())
    file.append({"second": b"2"}.items())
    file.append({"third": b"3"}.items())
    data = bytearray((tmp_path / "state").read_bytes())
    data[place] ^= 0x55
    (tmp_path / "state").write_bytes(data)
    values, aside = StateFile(tmp_path / "state").load()
    assert len(values) >= 2
    assert "third" in values
    assert aside is not None
    assert StateFile(tmp_path / "state").load() == (values, None)


def test_what_is_no_state_file_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"something else")
    assert StateFile(tmp_path / "state").load() == ({}, tmp_path / "state.damaged")
    assert (tmp_path / "state").read_bytes() == HEAD


def test_the_file_stays_within_twice_what_it_holds(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state")
    largest = 0
    for number in range(3000):
        values: dict[str, bytes] = {"a": b"%01000d" % number, "b": b"1"}
        if file.wants_rewrite():
            file.rewrite(values.items())
        else:
            file.append(values.items())
        largest = max(largest, (tmp_path / "state").stat().st_size)
    assert largest < SMALL + 10_000
    assert StateFile(tmp_path / "state").load()[0] == {"a": b"%01000d" % 2999, "b": b"1"}


def sessions(limits: Limits, clock: StandingClock) -> tuple[Sessions, Counter[str]]:
    counts: Counter[str] = Counter()
    return Sessions(limits, counts, clock, FilterIndex()), counts


def known(name: str) -> Login | None:
    return Login("client", name, ("#",), ("#",))


def test_what_waits_for_all_clients_together_is_bounded() -> None:
    clock = StandingClock()
    kept, counts = sessions(Limits(sessions_bytes=2500), clock)
    for number in range(5):
        state, _ = kept.take(f"c{number}", Login("client", "c", ("#",)), clean=False)
        state.outbox.away()
        state.outbox.deliver("t", b"x" * 1000, 1, False)
        kept.leave(state)
        clock.advance(1)
    assert len(kept) == 2
    assert counts["dropped:session"] == 3


def test_a_restored_session_is_as_old_as_it_is_unless_the_clock_was_wrong() -> None:
    clock = StandingClock()
    now = clock.now()
    for left, remains in ((now - 3_000_000, 1), (now - 4_000_000, 0), (now + 10**12, 1), (0, 1)):
        kept, _ = sessions(Limits(session_age=3600), clock)
        kept.restore([Stored("k", "c", {"t": 1}, [], [], [], 0, left)], known)
        assert len(kept) == remains, left


async def test_all_filters_together_are_bounded() -> None:
    bench = Bench(Limits(filters=3))
    await bench.start()
    one, two = await bench.login("all"), await bench.login("other")
    assert await one.subscribe(("a", 0), ("b", 0)) == [0, 0]
    assert await two.subscribe(("a", 1), ("b", 1), ("a", 0)) == [1, 0x80, 0]
    assert bench.broker.stats()["refused:subscription"] == 1
    await bench.stop()
    await asyncio.sleep(0)
