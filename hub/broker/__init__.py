"""MQTT: owns the sockets, serves plugs itself (lane) and hands every other client to amqtt (embedded)."""

from hub.broker.embedded import EmbeddedBroker
from hub.broker.interface import Attempt, Authenticate, Broker, Login, Receiver, RetainedStore
from hub.broker.limits import Limits
from hub.broker.listener import Listener
from hub.broker.tls import Certificate

__all__ = [
    "Attempt",
    "Authenticate",
    "Broker",
    "Certificate",
    "EmbeddedBroker",
    "Limits",
    "Listener",
    "Login",
    "Receiver",
    "RetainedStore",
]
