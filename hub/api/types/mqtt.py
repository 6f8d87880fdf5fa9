"""Logins of other MQTT programs."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hub.api.types.common import Request


class BrokerLines(msgspec.Struct):
    """For the password_file and the acl_file of a broker of the home's own; the first holds a hash of the secret."""

    password: str
    rules: list[str]


Filter = Annotated[str, Meta(min_length=1, max_length=256)]


class AddMqttClientRequest(Request):
    """Topic filters that another MQTT program may read and write."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{3,64}$")]
    read: Annotated[list[Filter], Meta(max_length=32)] = msgspec.field(default_factory=list)
    write: Annotated[list[Filter], Meta(max_length=32)] = msgspec.field(default_factory=list)


class MqttClient(msgspec.Struct):
    name: str
    read: list[str]
    write: list[str]


class MqttClientList(msgspec.Struct):
    items: list[MqttClient]
    next: str | None = None


class AddedMqttClient(msgspec.Struct):
    """The secret is shown once and kept only as a hash. `broker_lines` are there where people tell their broker."""

    client: MqttClient
    secret: str
    broker_lines: BrokerLines | None = None
