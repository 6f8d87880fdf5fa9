"""Whole exchanges, packet by packet."""

from tests.broker.client import Client, Message, acknowledge, publish

PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 3, 4, 5, 6, 7


def two(packet_id: int) -> bytes:
    """A packet id as it is sent."""
    return packet_id.to_bytes(2, "big")


async def say(client: Client, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False, id: int = 77) -> None:
    """Publish and go through the exchange of its QoS; with QoS 0 a PINGREQ shows that it has been handled."""
    client.send(publish(topic, payload, qos, id, retain=retain))
    if qos == 0:
        await client.ping()
    elif qos == 1:
        assert (await client.expect(PUBACK)).body == two(id)
    else:
        assert (await client.expect(PUBREC)).body == two(id)
        client.send(acknowledge(PUBREL, id))
        assert (await client.expect(PUBCOMP)).body == two(id)


async def hear(client: Client, count: int) -> list[Message]:
    """The next `count` messages, each acknowledged in full; nothing else may come between them."""
    messages: list[Message] = []
    released = 0
    while len(messages) < count or released < sum(message.qos == 2 for message in messages):
        if client.messages:
            message = client.messages.pop(0)
        else:
            packet = await client.read()
            if packet.head == 0x62:
                released += 1
                client.send(b"\x70\x02" + packet.body)
                continue
            assert packet.kind == PUBLISH, packet
            message = client.decode(packet)
        messages.append(message)
        if message.qos:
            client.send(acknowledge(PUBACK if message.qos == 1 else PUBREC, message.packet_id))
    return messages


async def payloads(client: Client, count: int) -> list[bytes]:
    """The payloads of the next `count` messages."""
    return [message.payload for message in await hear(client, count)]
