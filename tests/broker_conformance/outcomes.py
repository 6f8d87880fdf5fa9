"""What a broker does with a packet."""

from tests.broker.client import PING, Client, Packet
from tests.broker_conformance.differences import ALIVE, CLOSED


async def outcome(client: Client, data: bytes, answers: int = 0) -> str:
    """Send it to a logged-in connection; CLOSED, or ALIVE when a PINGREQ after it is answered.

    `answers`: packets expected before the PINGRESP; they are named in the outcome."""
    client.send(data + PING)
    said: list[Packet] = []
    while True:
        try:
            packet = await client.read()
        except EOFError:
            return CLOSED
        if packet.kind == 13:
            break
        said.append(packet)
    assert len(said) == answers, said
    return ALIVE


async def first_outcome(client: Client, data: bytes) -> str:
    """Send it as the first bytes of a connection: ACCEPTED, or what CONNACK said before the close, or CLOSED."""
    client.send(data)
    try:
        packet = await client.read()
    except EOFError:
        return CLOSED
    assert packet.head == 0x20, packet
    if packet.body[1]:
        assert packet.body[0] == 0, "session present with a refusal [MQTT-3.2.2-4]"
        assert await client.closed() == b"", "closed after a refusal [MQTT-3.2.2-5]"
    return f"CONNACK {packet.body[1]}"
