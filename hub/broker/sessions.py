"""amqtt, with what cannot be trusted in its version 0.12.1 overridden. Each override says what stock amqtt does."""

import asyncio
import logging
import time
from typing import Any

from amqtt.broker import Broker
from amqtt.mqtt.disconnect import DisconnectPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.manager import plugins_manager
from amqtt.session import Session

from hub.broker.client import ClientConnection, Output
from hub.broker.interface import FORBIDDEN_RETAIN, ROOT
from hub.broker.kept import SessionState
from hub.broker.lane import Lane
from hub.broker.packets import (
    PUBACK,
    PUBCOMP,
    PUBREC,
    SUBSCRIPTION_REFUSED,
    encode_ack,
    encode_suback,
    encode_unsuback,
)
from hub.broker.topics import covered, valid_filter

LISTENER = "default"
NAMESPACE = "plughub"
SHARED = "$share/"
SLICE_S = 0.005  # of work for one client, and of rest after it

for _name in ("amqtt", "transitions", NAMESPACE):
    if logging.getLogger(_name).level == logging.NOTSET:
        logging.getLogger(_name).setLevel(logging.WARNING)  # they log every state and every packet


class HubSession(Session):  # type: ignore[misc]
    """What amqtt knows of a session, for one connection; what outlives the connection is in `state`."""

    def __init__(self, state: SessionState, peer: str) -> None:
        super().__init__()
        self.peer = peer
        self.client_id = state.key
        self.state = state
        self.outbox = state.outbox
        self.login = state.login


class HubHandler(BrokerProtocolHandler):  # type: ignore[misc]
    """One connection of a session. Stock: a task and a timeout for each outgoing message, which is dropped when
    unacknowledged for 5 s; QoS 2 that waits for the client holds the reconnect up for 10 s; a DISCONNECT that comes
    before the session's loop has begun is lost, and the will sent. Here nothing between a packet and its answer
    waits, so that packets are handled in their order."""

    def __init__(self, broker: "HubBroker", connection: ClientConnection) -> None:
        super().__init__(broker.plugins_manager)
        self.broker = broker
        self.connection = connection
        self.handing_out: set[asyncio.Task[Any]] = set()
        self.gone: asyncio.Future[DisconnectPacket | None] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        await super(BrokerProtocolHandler, self).start()

    async def _retry_deliveries(self) -> None:
        self.connection.attach(self.session.outbox, self.writer.write)

    async def wait_disconnect(self) -> DisconnectPacket | None:
        return await self.gone

    async def handle_disconnect(self, disconnect: DisconnectPacket | None) -> None:
        if not self.gone.done():
            self.gone.set_result(disconnect)

    async def handle_publish(self, publish_packet: Any) -> None:
        session, packet_id = self.session, publish_packet.packet_id
        if publish_packet.qos == 2:
            if packet_id not in session.state.received:
                if len(session.state.received) >= self.connection.lane.limits.inflight:
                    self.connection.refuse("inflight")
                    return
                session.state.received.add(packet_id)
                self.broker.published(session, publish_packet)
            self.writer.write(encode_ack(PUBREC, packet_id))
            return
        self.broker.published(session, publish_packet)
        if publish_packet.qos:
            self.writer.write(encode_ack(PUBACK, packet_id))

    async def handle_pubrel(self, pubrel: Any) -> None:
        self.session.state.received.discard(pubrel.packet_id)
        self.writer.write(encode_ack(PUBCOMP, pubrel.packet_id))

    async def handle_subscribe(self, subscribe: Any) -> None:
        filters = subscribe.payload.topics
        codes = [self.broker.subscribe(self.session, topic_filter, qos) for topic_filter, qos in filters]
        self.writer.write(encode_suback(subscribe.variable_header.packet_id, codes))
        task = asyncio.current_task()
        assert task is not None
        self.handing_out.add(task)
        try:
            await self._hand_out(
                [
                    (topic_filter, code)
                    for (topic_filter, _), code in zip(filters, codes, strict=True)
                    if code != SUBSCRIPTION_REFUSED
                ]
            )
        finally:
            self.handing_out.discard(task)

    async def _hand_out(self, granted: list[tuple[str, int]]) -> None:
        """What is retained for these filters, each matched against everything that is retained. Others are served
        between two filters; not within one, so that nothing newer can come before what was retained."""
        lane, outbox = self.connection.lane, self.session.outbox
        began = time.perf_counter()
        for topic_filter, granted_qos in granted:
            if topic_filter not in lane.index.held(outbox):
                continue  # unsubscribed meanwhile
            for topic, payload, qos in lane.retained.match(topic_filter):
                outbox.deliver(topic, payload, min(qos, granted_qos), True)
            if time.perf_counter() - began > SLICE_S:
                await asyncio.sleep(SLICE_S)
                if self.gone.done() or self.connection.ended:
                    return
                began = time.perf_counter()

    async def handle_unsubscribe(self, unsubscribe: Any) -> None:
        for topic_filter in unsubscribe.payload.topics:
            self.connection.lane.index.remove(topic_filter, self.session.outbox)
        self.writer.write(encode_unsuback(unsubscribe.variable_header.packet_id))


class HubBroker(Broker):  # type: ignore[misc]
    """amqtt behind the lane: no listener, no login, no routing of its own."""

    def __init__(self, lane: Lane) -> None:
        super().__init__({"listeners": {LISTENER: {"type": "external"}}, "plugins": {}}, plugin_namespace=NAMESPACE)
        self.lane = lane

    async def shutdown(self) -> None:
        await super().shutdown()
        plugins_manager.pop(NAMESPACE, None)  # amqtt keeps the last manager, and with it all of this, in a global

    async def serve(self, connection: ClientConnection) -> None:
        """Run a logged-in connection to its end."""
        await self.external_connected(connection.packets, Output(connection), LISTENER)

    # Stock: CONNECT is parsed again, leniently, and a session of the same client id is taken before the password is
    # checked. Here the lane has checked both; sessions are kept apart by login.
    async def _initialize_client_session(
        self, reader: Any, writer: Output, remote_address: str, remote_port: int
    ) -> tuple[HubHandler, HubSession]:
        connection = writer.connection
        connect, login = connection.connect, connection.login
        state, present = self.lane.kept.take(connection.key, login, connect.clean)
        session = HubSession(state, connection.peer)
        session.parent = int(present)
        session.clean_session = connect.clean
        session.keep_alive = 0  # the lane's matter
        will = connect.will
        if will is not None and not may_publish(session, will.topic):
            self.lane.counts["refused:will"] += 1
            self.lane.forbid(login, connection.peer, "will", will.topic)
            will = None
        session.will_flag = will is not None
        if will is not None:
            session.will_topic, session.will_message = will.topic, will.payload
            session.will_qos, session.will_retain = will.qos, will.retain
        return HubHandler(self, connection), session

    # Stock: walks every filter of every client at each connect and sends what is retained for them; a session that
    # ends early is never told so; clean sessions stay until a monitor finds them.
    async def _handle_client_session(  # noqa: PLR0917 (amqtt's signature)
        self, reader: Any, writer: Output, session: HubSession, handler: HubHandler, server: Any, listener_name: str
    ) -> None:
        session.transitions.connect()
        handler.attach(session, reader, writer)
        self._sessions[session.client_id] = (session, handler)
        await handler.mqtt_connack_authorize(True)
        await handler.start()
        await asyncio.wait([handler.gone])
        session.will_flag = session.will_flag and writer.connection.will_allowed
        await self._handle_disconnect(session, handler, handler.gone)
        await asyncio.wait([handler._reader_task, *handler.handing_out])
        writer.connection.outbox = None
        self._sessions.pop(session.client_id, None)
        self.lane.kept.leave(session.state)

    # Stock: refuses by plugin, one task for each question.
    async def _topic_filtering(self, session: HubSession, topic: str, action: Any) -> bool:
        raise NotImplementedError("the hub's own checks are in subscribe and published")

    # Stock: an unbounded queue and a scan of all filters for each message. (This is called for wills only.)
    async def _broadcast_message(
        self, session: HubSession, topic: str, data: bytes, force_qos: int | None = None
    ) -> None:
        self.route(session, topic, data, force_qos or 0)

    # Stock: unbounded, and for every topic. (This is called for wills only.)
    async def retain_message(
        self, source_session: HubSession, topic_name: str, data: bytes, qos: int | None = None
    ) -> None:
        self.retain(source_session, topic_name, data, qos or 0)

    # Stock: two tasks that live as long as the broker. Nothing is queued here and the lane's timer expires sessions.
    async def _broadcast_loop(self) -> None:
        return

    async def _session_monitor(self) -> None:
        return

    async def _del_all_subscriptions(self, session: HubSession) -> None:
        self.lane.index.drop(session.outbox)

    def published(self, session: HubSession, packet: Any) -> None:
        """A client published."""
        if self.route(session, packet.topic_name, packet.data, packet.qos) and packet.retain_flag:
            self.retain(session, packet.topic_name, packet.data, packet.qos)

    def route(self, session: HubSession, topic: str, payload: bytes, qos: int) -> bool:
        """To whom it concerns, if the login may; False where it may not."""
        if not may_publish(session, topic):
            self.lane.counts["refused:topic"] += 1
            self.lane.forbid(session.login, session.peer, "publish", topic)
            return False
        if topic.startswith(ROOT):
            self.lane.to_plug(topic, payload, qos)
        self.lane.route(topic, payload, qos)
        return True

    def retain(self, session: HubSession, topic: str, payload: bytes, qos: int) -> None:
        """Keep it, except below `smartplug/`: the stored state of plugs is theirs and the hub's."""
        if topic.startswith(ROOT) or not covered(session.login.write, topic):
            self.lane.counts["refused:retained"] += 1
            self.lane.forbid(session.login, session.peer, "publish", topic, reason=FORBIDDEN_RETAIN)
        else:
            self.lane.retained.set(topic, payload, qos)

    def subscribe(self, session: HubSession, topic_filter: str, qos: int) -> int:
        """The granted QoS, or SUBSCRIPTION_REFUSED. `$share` (not in MQTT 3.1.1) is refused, never taken literally."""
        index, limits = self.lane.index, self.lane.limits
        held = index.held(session.outbox)
        full = len(held) >= limits.subscriptions or index.filters >= limits.filters
        sound = len(topic_filter.encode()) <= limits.topic and valid_filter(topic_filter)
        allowed = sound and not topic_filter.startswith(SHARED) and covered(session.login.read, topic_filter)
        if not allowed or (full and topic_filter not in held):
            self.lane.counts["refused:subscription"] += 1
            if sound and not allowed:
                self.lane.forbid(session.login, session.peer, "subscribe", topic_filter)
            return SUBSCRIPTION_REFUSED
        index.add(topic_filter, session.outbox, qos)
        return qos


def may_publish(session: HubSession, topic: str) -> bool:
    """Do the login's filters allow it? `$...` is the broker's own."""
    return not topic.startswith("$") and covered(session.login.write, topic)
