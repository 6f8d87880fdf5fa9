"""MQTT: owns the sockets, serves plugs itself (lane) and hands every other client to amqtt (embedded)."""

from hub.broker.embedded import EmbeddedBroker, Listener
from hub.broker.interface import Attempt, Authenticate, Broker, Login, Receiver, RetainedStore
from hub.broker.limits import Limits

__all__ = [
    "Attempt",
    "Authenticate",
    "Broker",
    "EmbeddedBroker",
    "Limits",
    "Listener",
    "Login",
    "Receiver",
    "RetainedStore",
]
