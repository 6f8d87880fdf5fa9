"""Where Mosquitto 2.0.11 does not do what MQTT 3.1.1 says, or what it is free to do otherwise than the hub.

Asserted like everything else, so that the list stays true; docs/mqtt-conformance.md has it in the same words."""

from typing import NamedTuple

import pytest

CLOSED = "closed"  # without another word
ALIVE = "alive"  # the connection goes on
ACCEPTED = "CONNACK 0"


class Difference(NamedTuple):
    """`outcome` (for the tables of packets): what Mosquitto does. `allowed`: the standard leaves it to the server."""

    statement: str
    does: str
    outcome: str = ""
    answers: int = 0
    allowed: bool = False


FLAGS = Difference("MQTT-2.2.2-2", "does not look at the reserved flags of PUBACK, PUBREC, PUBCOMP and PINGREQ", ALIVE)
TYPES = Difference("MQTT-4.8.0-1", "takes SUBACK, UNSUBACK and PINGRESP from a client without a word", ALIVE)
LENGTHS = Difference(
    "MQTT-4.8.0-1", "ignores what follows the packet id of PUBACK, PUBREL and the like, and a body of PINGREQ", ALIVE
)
DUP = Difference("MQTT-3.3.1-2", "takes a PUBLISH with QoS 0 and DUP", ALIVE)
CONTROL = Difference(
    "MQTT-1.5.3-2", "closes at a control character (U+0001 to U+001F, U+007F to U+009F) in a text", CLOSED, allowed=True
)
OLD = Difference("MQTT-3.1.2-1", "serves MQTT 3.1 too", ACCEPTED, allowed=True)
NEW = Difference("MQTT-3.1.2-2", "speaks MQTT 5, whose CONNECT is another", CLOSED, allowed=True)
RESENT = Difference("MQTT-4.3.3-2", "closes the connection when a QoS 2 PUBLISH is sent a third time before PUBREL")
OVERLAP = Difference("MQTT-3.3.5-1", "delivers with the QoS of the first filter that matches, not with the highest")
DENIED = Difference(
    "MQTT-3.8.4-5", "grants a filter that its rules forbid in part, and drops each message then", allowed=True
)
TAKEN_WILL = Difference("MQTT-3.1.2-8", "sends no will when a kept session is taken over")
SECOND_WILL = Difference("MQTT-3.1.2-8", "sends no will when it closes a connection for a second CONNECT")
TEXTS = Difference("MQTT-6.0.0-1", "takes text frames over WebSocket", ALIVE)
UNMASKED = Difference("RFC 6455 5.1", "takes WebSocket frames without a mask", ALIVE)
LONG = Difference("MQTT-4.7.3-3", "takes topics of up to 65,535 bytes; the hub closes beyond 1,024", allowed=True)

ALL = [value for value in list(globals().values()) if isinstance(value, Difference)]


def mosquitto(difference: Difference) -> pytest.MarkDecorator:
    """The test is what the standard says, and Mosquitto fails it."""
    return pytest.mark.mosquitto_fails(difference)
