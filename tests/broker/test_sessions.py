"""Sessions of clients that are not plugs (amqtt behind the lane): connect, take-over, wills, what waits, the end.

Each test is a fault of stock amqtt that must not come back."""

import asyncio

import pytest

from hub.broker import Limits
from tests.broker.client import DISCONNECT, PING, acknowledge, connect, publish
from tests.broker.parts import PASSWORD, Bench


async def test_a_wrong_login_with_the_same_client_id_disturbs_nobody(bench: Bench) -> None:
    victim = await bench.login("all", "victim", clean=False)
    await victim.subscribe(("a", 1))
    for clean in (True, False):
        thief = await bench.open()
        thief.send(connect("victim", "all", b"wrong", clean=clean))
        assert await thief.closed() == b"\x20\x02\0\x05"
    await victim.publish("a", b"x", 1)
    assert (await victim.message()).payload == b"x"
    assert bench.broker.stats()["clients"] == 1


async def test_another_login_with_the_same_client_id_is_another_session(bench: Bench) -> None:
    first = await bench.login("all", "same", clean=False)
    await first.subscribe(("a", 1))
    second = await bench.login("other", "same", clean=False)
    assert not second.session_present
    await second.publish("a", b"x", 1)
    assert (await first.message()).payload == b"x"
    await second.nothing()


async def test_take_over_closes_the_old_connection_sends_its_will_and_keeps_the_session(bench: Bench) -> None:
    watcher = await bench.login("other")
    await watcher.subscribe(("will/#", 1))
    old = await bench.login("all", "same", clean=False, will=("will/1", b"gone", 1, True))
    await old.subscribe(("a", 1))
    new = await bench.login("all", "same", clean=False)
    assert new.session_present
    await old.closed()
    assert (await watcher.message())[:4] == ("will/1", b"gone", 1, False)
    await watcher.subscribe(("will/1", 0))
    assert (await watcher.message()).retain
    await new.publish("a", b"x", 1)
    assert (await new.message()).payload == b"x"
    newest = await bench.login("all", "same")
    assert not newest.session_present
    await new.closed()
    await newest.publish("a", b"x", 1)
    await newest.nothing()


async def test_many_take_overs_at_once_end_with_one_connection(bench: Bench) -> None:
    clients = [await bench.open() for _ in range(20)]
    for client in clients:
        client.send(connect("same", "all", PASSWORD, clean=False))
    living = 0
    for client in clients:
        client.send(PING)
        try:
            await client.expect(2)
            await client.expect(13)
            living += 1
        except EOFError:
            continue
    assert living >= 1
    await clients[-1].ping()
    assert bench.broker.stats()["clients"] == 1


async def test_will_on_loss_but_not_on_disconnect(bench: Bench) -> None:
    watcher = await bench.login("other")
    await watcher.subscribe(("will/#", 2))
    polite = await bench.open()
    # All in one segment: stock amqtt loses a DISCONNECT (and a PUBLISH) that it reads before its loop has begun.
    polite.send(
        connect("polite", "all", PASSWORD, will=("will/polite", b"", 0, False))
        + publish("will/said", b"1")
        + DISCONNECT
    )
    assert await polite.closed() == b"\x20\x02\0\0"
    rude = await bench.login("all", "rude", will=("will/rude", b"gone", 2, False))
    rude.abort()
    assert (await watcher.message())[:2] == ("will/said", b"1")
    message = await watcher.message()
    assert message[:3] == ("will/rude", b"gone", 2)
    await watcher.nothing()


async def test_a_will_that_the_login_may_not_publish_goes_nowhere(bench: Bench) -> None:
    watcher = await bench.login("all")
    await watcher.subscribe(("#", 0))
    client = await bench.login("reader", will=("home/x", b"gone", 0, True))
    await bench.settled("refused:will", 1)
    client.abort()
    await bench.settled("clients", 1)
    await watcher.nothing()


async def test_publishes_right_before_the_end_all_arrive(bench: Bench) -> None:
    watcher = await bench.login("other")
    await watcher.subscribe(("n/#", 0))
    writer = await bench.open()
    stream = b"".join(publish(f"n/{number}", b"x" * 50, number % 2, number + 1) for number in range(300))
    writer.send(connect("w", "all", PASSWORD) + stream + DISCONNECT)
    await writer.closed()
    assert [(await watcher.message()).topic for _ in range(300)] == [f"n/{number}" for number in range(300)]


async def test_keepalive_is_enforced_and_sends_the_will(bench: Bench) -> None:
    watcher = await bench.login("other")
    await watcher.subscribe(("will", 0))
    client = await bench.login("all", keepalive=10, will=("will", b"silent", 0, False))
    bench.clock.advance(13)
    await client.ping()
    bench.clock.advance(17)
    await client.closed()
    assert (await watcher.message()).payload == b"silent"


async def test_an_unacknowledged_message_is_sent_again_after_a_reconnect_in_order(bench: Bench) -> None:
    reader, writer = await bench.login("all", clean=False), await bench.login("other")
    await reader.subscribe(("n", 2))
    await writer.publish("n", b"1", 1)
    writer.send(publish("n", b"2", 2, 9))
    one, two = await reader.expect_publish(), await reader.expect_publish()
    assert (one.head, two.head) == (0x32, 0x34)
    id_one, id_two = one.body[3:5], two.body[3:5]
    reader.abort()
    await bench.settled("clients", 1)
    again = await bench.login("all", clean=False)
    assert again.session_present
    first, second = await again.expect_publish(), await again.expect_publish()
    assert (first.head, first.body) == (0x3A, b"\0\1n" + id_one + b"1")
    assert (second.head, second.body) == (0x3C, b"\0\1n" + id_two + b"2")
    again.send(acknowledge(4, int.from_bytes(id_one, "big")) + acknowledge(5, int.from_bytes(id_two, "big")))
    assert (await again.expect(6)).body == id_two
    again.abort()
    third = await bench.login("all", clean=False)
    assert (await third.expect(6)).body == id_two, "PUBREL is sent again too"
    third.send(acknowledge(7, int.from_bytes(id_two, "big")))
    await third.nothing()
    third.abort()
    fourth = await bench.login("all", clean=False)
    await fourth.nothing()


async def test_qos_2_from_a_client_is_handled_once_over_a_reconnect(bench: Bench) -> None:
    watcher = await bench.login("other")
    await watcher.subscribe(("n", 0))
    writer = await bench.login("all", clean=False)
    writer.send(publish("n", b"once", 2, 3))
    assert (await writer.expect(5)).body == b"\0\3"
    writer.abort()
    writer = await bench.login("all", clean=False)
    writer.send(publish("n", b"once", 2, 3, dup=True))
    assert (await writer.expect(5)).body == b"\0\3"
    writer.send(acknowledge(6, 3))
    assert (await writer.expect(7)).body == b"\0\3"
    writer.send(publish("n", b"next", 2, 3))
    await writer.expect(5)
    assert [(await watcher.message()).payload for _ in range(2)] == [b"once", b"next"]
    await watcher.nothing()


async def test_messages_wait_for_a_client_that_is_away(bench: Bench) -> None:
    reader, writer = await bench.login("all", clean=False), await bench.login("other")
    await reader.subscribe(("n", 1))
    await reader.disconnect()
    await bench.login("all", "another")
    for number in range(3):
        await writer.publish("n", b"%d" % number, 1)
    await writer.publish("n", b"qos 0 does not wait")
    again = await bench.login("all", clean=False)
    assert [(await again.message())[1:4] for _ in range(3)] == [(b"%d" % number, 1, False) for number in range(3)]
    await again.nothing()


@pytest.mark.parametrize("bench", [Limits(queued=5)], indirect=True)
async def test_what_waits_for_a_client_that_is_away_is_bounded(bench: Bench) -> None:
    reader, writer = await bench.login("all", clean=False), await bench.login("other")
    await reader.subscribe(("n", 1))
    await reader.disconnect()
    await bench.settled("clients", 1)
    for number in range(9):
        await writer.publish("n", b"%d" % number, 1)
    again = await bench.login("all", clean=False)
    assert [(await again.message()).payload for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    await again.nothing()
    assert bench.broker.stats()["dropped:away"] == 4


@pytest.mark.parametrize("bench", [Limits(session_age=3600, sessions=2)], indirect=True)
async def test_sessions_of_clients_that_are_away_are_bounded_in_number_and_age(bench: Bench) -> None:
    for number in range(4):
        client = await bench.login("all", f"c{number}", clean=False)
        await client.subscribe((f"n/{number}", 1))
        await client.disconnect()
        await bench.settled("clients", 0)
        bench.clock.advance(10)
    await bench.settled("dropped:session", 2)
    assert bench.broker.stats()["filters"] == 2
    assert not (await bench.login("all", "c0", clean=False)).session_present
    assert (await bench.login("all", "c3", clean=False)).session_present
    bench.clock.advance(3600)
    assert bench.broker.stats()["filters"] == 1


async def test_a_clean_session_leaves_nothing(bench: Bench) -> None:
    client = await bench.login("all")
    await client.subscribe(("a", 1), ("b/#", 0))
    assert bench.broker.stats()["filters"] == 2
    client.abort()
    watcher = await bench.login("other")
    await watcher.ping()
    assert bench.broker.stats()["filters"] == 0
    assert list(bench.broker._lane.kept._states) == ["other\0other"]


async def test_rights_that_were_taken_away_end_kept_subscriptions(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.broker import Login
    from tests.broker import parts

    client = await bench.login("all", clean=False)
    await client.subscribe(("home/#", 1), ("secret/#", 1))
    monkeypatch.setitem(parts.CLIENTS, "all", Login("client", "all", ("home/#",), ()))
    bench.broker.drop_client("all")
    await client.closed()
    client = await bench.login("all", clean=False)
    assert client.session_present
    other = await bench.login("other")
    await other.publish("secret/x", b"no", 1)
    await other.publish("home/x", b"yes", 1)
    assert (await client.message()).topic == "home/x"
    await client.nothing()


async def test_when_amqtt_cannot_start_plugs_are_served_and_clients_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise ImportError("amqtt")

    monkeypatch.setattr(bench.broker._foreign, "_ready", broken)
    client = await bench.open()
    client.send(connect("c", "all", PASSWORD))
    assert await client.closed() == b"\x20\x02\0\x03"
    plug = await bench.login("plug-1")
    await plug.ping()


async def test_a_client_that_leaves_while_amqtt_is_loaded_leaves_nothing(bench: Bench) -> None:
    clients = [await bench.open() for _ in range(5)]
    for number, client in enumerate(clients):
        client.send(connect(f"c{number}", "all", PASSWORD))
    await bench.settled("clients", 5)
    for client in clients:
        client.abort()
    async with asyncio.timeout(10):
        while bench.broker.stats()["connections"] or bench.broker.stats()["clients"]:
            await asyncio.sleep(0)
