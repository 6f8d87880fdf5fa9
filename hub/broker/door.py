"""A connection before its login: CONNECT and nothing else, in time and within bounds."""

import logging

from hub.broker.client import ClientConnection
from hub.broker.connection import Waiting
from hub.broker.interface import Attempt, Login
from hub.broker.names import shown_name
from hub.broker.packets import (
    BAD_CLIENT_ID,
    BAD_VERSION,
    NOT_AUTHORIZED,
    UNAVAILABLE,
    Connect,
    MalformedPacket,
    UnsupportedVersion,
    encode_connack,
    frame,
    parse_connect,
)
from hub.broker.plug import PlugConnection

log = logging.getLogger(__name__)

CONNECT_HEAD = 0x10
PAIRING = "pair-"


class Door(Waiting):
    """Waits for CONNECT, asks who it is, and hands the socket on."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        if self.ended or not (data := self.arrived(data)):
            return
        if data[0] != CONNECT_HEAD:
            self.refuse("protocol")
            return
        try:
            place = frame(data, 0, self.lane.limits.other_packet)
            if place is None or place[1] > len(data):
                self.rest(data, 0, place[1] if place else 0)
                return
            connect = parse_connect(data[place[0] : place[1]])
        except UnsupportedVersion:
            self._answer("version", BAD_VERSION)
        except MalformedPacket:
            self.refuse("protocol")
        else:
            self._log_in(connect, data[place[1] :])

    def _log_in(self, connect: Connect, rest: bytes) -> None:
        lane = self.lane
        if self.refusal:
            self._answer(self.refusal, UNAVAILABLE)
            return
        if connect.will is not None and len(connect.will.topic.encode()) > lane.limits.topic:
            self.refuse("topic_length")
            return
        if not connect.client_id and not connect.clean:
            self._answer("client_id", BAD_CLIENT_ID)
            return
        now = lane.clock.monotonic()
        if lane.failed.blocked(self.host, now):
            self._answer("backoff", UNAVAILABLE)
            return
        attempt = Attempt(connect.client_id, connect.username, connect.password, self.peer, self.listener)
        try:
            login = lane.authenticate(attempt)
        except Exception:
            log.exception("The login of %r could not be checked", shown_name(connect.username or "", connect.client_id))
            self._answer("error", UNAVAILABLE)
            return
        if login is None:
            if asks_to_pair(connect):
                self._answer("pairing", NOT_AUTHORIZED)
                return
            lane.failed.failed(self.host, now)
            shown = shown_name(connect.username or "", connect.client_id)
            log.info("MQTT login of %r from %s refused", shown, self.peer)
            self._answer("login", NOT_AUTHORIZED)
            return
        self.ended = True
        self._hand_on(login, connect, rest)

    def _hand_on(self, login: Login, connect: Connect, rest: bytes) -> None:
        kind = ClientConnection if login.kind == "client" else PlugConnection
        connection = kind(self.lane, self.listener, login, connect)
        connection.take_over(self)
        connection.begin()
        if rest:
            connection.data_received(rest)

    def _answer(self, reason: str, code: int) -> None:
        """A CONNACK that refuses, and the end of the connection."""
        self.lane.counts["refused:" + reason] += 1
        self.ended = self.active = True
        self.transport.write(encode_connack(code))
        self.transport.close()


def asks_to_pair(connect: Connect) -> bool:
    """An unpaired plug asks every few seconds whether somebody waits for it. It guesses nothing: neither it nor what
    shares its address must wait for that."""
    name = connect.client_id if connect.username is None else connect.username
    return not connect.password and name.startswith(PAIRING)
