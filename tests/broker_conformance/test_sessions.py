"""Sessions: clean and kept, what waits for a client that is away, what is sent again, take-over."""

import pytest

from tests.broker.client import PING, Client, Packet, acknowledge, connect, publish, unsubscribe
from tests.broker.parts import PASSWORD
from tests.broker_conformance.flows import PUBCOMP, PUBREC, PUBREL, hear, payloads, say, two
from tests.broker_conformance.sides import Side


async def test_session_present(side: Side) -> None:
    """[MQTT-3.2.2-1] [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT-3.1.2-6]"""
    seen = []
    for clean in (False, False, True, True, False, False):
        client = await side.login("x", clean=clean)
        seen.append(client.session_present)
        await client.disconnect()
    assert seen == [False, True, False, False, False, True]


@pytest.mark.parametrize("clean_first", [True, False])
async def test_a_clean_session_begins_and_ends_empty(side: Side, clean_first: bool) -> None:
    """[MQTT-3.1.2-6]: subscriptions, messages under way and messages that wait are gone."""
    other = await side.login()
    client = await side.login("x", clean=clean_first)
    await client.subscribe((side.topic("a"), 1))
    await say(other, side.topic("a"), b"unacknowledged", 1)
    await client.expect(3)
    await client.close()
    await other.ping()
    client = await side.login("x", clean=True)
    assert not client.session_present
    await say(other, side.topic("a"), b"x", 1)
    await client.nothing()
    await client.disconnect()
    client = await side.login("x", clean=False)
    assert not client.session_present
    await client.nothing()


@pytest.mark.parametrize("goodbye", [True, False])
async def test_a_kept_session_gets_what_was_published_meanwhile(side: Side, goodbye: bool) -> None:
    """[MQTT-3.1.2-4] [MQTT-3.1.2-5]: QoS 1 and 2, in order, with the QoS of the subscription."""
    other = await side.login()
    client = await side.login("x", clean=False)
    await client.subscribe((side.topic("two/#"), 2), (side.topic("one"), 1), (side.topic("none"), 0))
    await (client.disconnect() if goodbye else client.close())
    await other.ping()
    for qos in (2, 1):
        await say(other, side.topic("two/x"), b"%d" % qos, qos)
    await say(other, side.topic("one"), b"one", 2)
    await say(other, side.topic("unsubscribed"), b"no", 2)
    client = await side.login("x", clean=False)
    assert client.session_present
    heard = [message[:5] for message in await hear(client, 3)]
    assert heard == [
        (side.topic("two/x"), b"2", 2, False, False),
        (side.topic("two/x"), b"1", 1, False, False),
        (side.topic("one"), b"one", 1, False, False),
    ]
    await client.nothing()
    await say(other, side.topic("none"), b"live", 2)
    assert [message[:3] for message in await hear(client, 1)] == [(side.topic("none"), b"live", 0)]


async def test_qos_1_is_sent_again_after_a_reconnect(side: Side) -> None:
    """[MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.6.0-1]: with DUP, its own id, in order, before what is new; as often as it
    takes; never to a connection that is alive."""
    other = await side.login()
    client = await side.login("x", clean=False)
    await client.subscribe((side.topic("a"), 1))
    for number in range(4):
        await say(other, side.topic("a"), b"%d" % number, 1)
    first = [Client.decode(await client.read()) for _ in range(4)]
    assert [(message.payload, message.duplicate) for message in first] == [(b"%d" % k, False) for k in range(4)]
    client.send(acknowledge(4, first[1].packet_id))
    await client.nothing()
    for _ in range(2):
        await client.close()
        client = await side.login("x", clean=False)
        assert client.session_present
        again = [Client.decode(await client.read()) for _ in range(3)]
        assert [(m.payload, m.packet_id, m.duplicate) for m in again] == [
            (b"%d" % k, first[k].packet_id, True) for k in (0, 2, 3)
        ]
        await client.nothing()
    await say(other, side.topic("a"), b"new", 1)
    new = await client.message()
    assert (new.payload, new.duplicate) == (b"new", False)
    assert new.packet_id not in {message.packet_id for message in again}
    for message in again:
        client.send(acknowledge(4, message.packet_id))
    await client.ping()
    await client.disconnect()
    client = await side.login("x", clean=False)
    await client.nothing()


async def test_qos_2_goes_on_where_it_was(side: Side) -> None:
    """[MQTT-4.4.0-1] [MQTT-4.3.3-1]: PUBLISH with DUP before PUBREC, PUBREL after it, nothing after PUBCOMP."""
    other = await side.login()
    client = await side.login("x", clean=False)
    await client.subscribe((side.topic("a"), 2))
    for number in range(3):
        await say(other, side.topic("a"), b"%d" % number, 2)
    first = [Client.decode(await client.read()) for _ in range(3)]
    ids = [message.packet_id for message in first]
    client.send(acknowledge(PUBREC, ids[0]) + acknowledge(PUBREC, ids[1]))
    assert {(await client.read()).body for _ in range(2)} == {two(ids[0]), two(ids[1])}
    client.send(acknowledge(PUBCOMP, ids[0]))
    await client.ping()
    await client.close()
    client = await side.login("x", clean=False)
    again = [await client.read() for _ in range(2)]
    assert sorted(packet.head for packet in again) == [0x3C, 0x62]
    for packet in again:
        if packet.kind == 3:
            message = Client.decode(packet)
            assert (message.payload, message.packet_id, message.duplicate) == (b"2", ids[2], True)
            client.send(acknowledge(PUBREC, ids[2]))
            assert await client.read() == (0x62, two(ids[2]))
        else:
            assert packet.body == two(ids[1])
    client.send(acknowledge(PUBCOMP, ids[1]) + acknowledge(PUBCOMP, ids[2]))
    await client.ping()
    await client.close()
    client = await side.login("x", clean=False)
    await client.nothing()


@pytest.mark.parametrize("behind", ["CONNECT", "CONNACK"])
async def test_acknowledgements_right_behind_the_login_count(side: Side, behind: str) -> None:
    """[MQTT-4.3.2-1] [MQTT-4.3.3-1]: also those that come before the broker has sent what it sends again; a client
    need not wait for CONNACK (3.1.4)."""
    other = await side.login()
    client = await side.login("x", clean=False)
    await client.subscribe((side.topic("a"), 2))
    for qos in (1, 2, 2):
        await say(other, side.topic("a"), b"%d" % qos, qos)
    one, two_, three = [Client.decode(await client.read()).packet_id for _ in range(3)]
    client.send(acknowledge(PUBREC, three))
    assert await client.read() == (0x62, two(three))
    await client.close()
    said = acknowledge(4, one) + acknowledge(PUBREC, two_) + acknowledge(PUBCOMP, three) + acknowledge(PUBREC, 999)
    client = await side.open()
    login = connect(side.id("x"), "all", PASSWORD, clean=False)
    client.send(login + said + PING if behind == "CONNECT" else login)
    assert await client.read() == (0x20, b"\1\0")
    if behind == "CONNACK":
        client.send(said + PING)
    answers: list[Packet] = []
    while not answers or answers[-1].kind != 13:
        answers.append(await client.read())
    assert [answer for answer in answers if answer.kind == PUBREL][-2:] == [(0x62, two(two_)), (0x62, two(999))]
    client.send(acknowledge(PUBCOMP, two_))
    await client.ping()
    await client.close()
    client = await side.login("x", clean=False)
    await client.nothing()


async def test_qos_2_from_a_client_counts_once_over_a_reconnect(side: Side) -> None:
    """[MQTT-4.3.3-2] with [MQTT-3.1.2-4]: the ids that were not released are part of the session."""
    listener = await side.login()
    await listener.subscribe((side.topic("a"), 0))
    client = await side.login("x", clean=False)
    client.send(publish(side.topic("a"), b"once", 2, 9))
    assert await client.read() == (0x50, two(9))
    await client.close()
    client = await side.login("x", clean=False)
    assert client.session_present
    client.send(publish(side.topic("a"), b"once", 2, 9, dup=True))
    assert await client.read() == (0x50, two(9))
    client.send(acknowledge(PUBREL, 9))
    assert await client.read() == (0x70, two(9))
    assert await payloads(listener, 1) == [b"once"]
    await listener.nothing()


async def test_what_waits_and_what_is_new_come_in_order(side: Side) -> None:
    """[MQTT-4.6.0-6], over a reconnect and past the number that may be unacknowledged at once."""
    other = await side.login()
    client = await side.login("x", clean=False)
    await client.subscribe((side.topic("a"), 1))
    await client.disconnect()
    for number in range(100):
        await say(other, side.topic("a"), b"%d" % number, 1)
    client = await side.login("x", clean=False)
    for number in range(100, 150):
        await say(other, side.topic("a"), b"%d" % number, 1)
    assert await payloads(client, 150) == [b"%d" % number for number in range(150)]


async def test_unsubscribe_outlives_the_connection(side: Side) -> None:
    """[MQTT-3.10.4-2] in a kept session."""
    client, other = await side.login("x", clean=False), await side.login()
    await client.subscribe((side.topic("a"), 1), (side.topic("b"), 1))
    client.send(unsubscribe(side.topic("a")))
    await client.expect(11)
    await client.disconnect()
    await say(other, side.topic("a"), b"no", 1)
    await say(other, side.topic("b"), b"yes", 1)
    client = await side.login("x", clean=False)
    assert await payloads(client, 1) == [b"yes"]
    await client.nothing()


@pytest.mark.parametrize("clean", [True, False])
async def test_take_over_closes_the_old_connection(side: Side, clean: bool) -> None:
    """[MQTT-3.1.4-2]; the session goes on where both keep it."""
    old = await side.login("x", clean=clean)
    await old.subscribe((side.topic("a"), 1))
    new = await side.login("x", clean=clean)
    assert await old.closed() == b""
    assert new.session_present is not clean
    other = await side.login()
    await say(other, side.topic("a"), b"x", 1)
    if clean:
        await new.nothing()
    else:
        assert await payloads(new, 1) == [b"x"]
    await new.ping()


async def test_take_over_in_the_middle_of_a_packet(side: Side) -> None:
    """[MQTT-3.1.4-2]: what the old connection had begun to send goes nowhere."""
    other = await side.login()
    await other.subscribe((side.topic("#"), 0))
    old = await side.login("x", clean=False)
    data = publish(side.topic("a"), b"x" * 100)
    old.send(data[:40])
    await old.writer.drain()
    await other.ping()
    new = await side.login("x", clean=False)
    old.send(data[40:])
    assert await old.closed() == b""
    await new.ping()
    await other.nothing()


async def test_client_ids_are_told_apart_by_every_letter(side: Side) -> None:
    """[MQTT-3.1.3-2]"""
    clients = [await side.login(name) for name in ("x", "X", "x ", "xx", "\u00e4")]
    for client in clients:
        await client.ping()
