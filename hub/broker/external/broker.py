"""ExternalBroker: the hub's MQTT side where the home already has a broker. What the rest of the hub calls."""

import json
import logging
import secrets
from collections import Counter
from collections.abc import Callable

from hub.broker.external.connection import Connection
from hub.broker.external.dynsec import ANSWERS, DynamicSecurity, Logins
from hub.broker.external.link import Link, Server
from hub.broker.external.packets import REFUSED, Message
from hub.broker.interface import ROOT, Receiver, RetainedStore
from hub.broker.topics import matches, valid_filter
from hub.clock import Clock, Timer
from hub.messages import Message as Sentence

STATUS, CONFIG, PAIR, SIGN = "status", "config", "pair", "hub"
LISTENED = (f"{ROOT}+/telemetry/#", f"{ROOT}+/{STATUS}", f"{ROOT}+/{PAIR}")
# The broker knows who is there, the hub does not: these go out all the same, and do no harm where nobody is.
TO_ANYBODY = ("ack", "pair/answer")
# A will may be that of a connection which the plug has replaced: then its next word follows at once.
LEAVE_S = 1.0
MOST_LATER = 1000  # retained messages for other programs that wait for the broker
REPORT_S = 10.0
Handler = Callable[[str, bytes, bool], None]
log = logging.getLogger(__name__)


class _Subscription:
    """One filter at the broker; its identifier comes with every message that it brings."""

    def __init__(self, topic_filter: str, identifier: int, qos: int) -> None:
        self.filter, self.identifier, self.qos = topic_filter, identifier, qos
        self.handlers: list[Handler] = []


class ExternalBroker:
    """Implements hub.broker.interface.Broker with a broker that is not ours.

    Which plugs are there, only they say: one is connected from its first fresh message until its will. While the hub
    has no connection, none is. Nothing is queued but the newest `config` of each plug.
    """

    def __init__(
        self,
        receiver: Receiver,
        retained: RetainedStore,
        clock: Clock,
        *,
        server: Server,
        known: Callable[[str], bool],
        raised: Callable[[Sentence], None],
        ended: Callable[[str], None],
        logins: Logins | None = None,
    ) -> None:
        """`known`: is this hardware_id a plug of a home? `raised`, `ended`: problems for people. `logins`: who is to
        have a login; given where the broker's dynamic security plugin is to be told of them."""
        self._receiver = receiver
        self._store = retained
        self._clock = clock
        self._known = known
        self._raised, self._ended = raised, ended
        self._peer = server.host
        self._link = Link(server, self, clock, raised=raised, ended=ended)
        self._subscriptions: dict[str, _Subscription] = {}
        self._by_identifier: dict[int, _Subscription] = {}
        self._there: dict[str, Timer | None] = {}  # plug -> the timer of its will
        self._configs: dict[str, None] = {}  # plugs whose `config` is to be published, oldest first
        self._later: dict[str, tuple[bytes, int]] = {}  # topic -> retained message for others
        self._asked: dict[int, str] = {}  # packet id -> the topic or filter that waits for an answer
        self._refused: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._received = 0
        self._reported = -REPORT_S
        self._sign_topic = f"{ROOT}{server.client_id}/{SIGN}"
        self._sign = secrets.token_hex(8).encode()  # of this process
        self._signed = self._looks = False
        self._add(self._sign_topic, self._found_sign)
        for topic_filter in LISTENED:
            self._add(topic_filter, self._from_plug)
        self._security: DynamicSecurity | None = None
        if logins is not None:
            self._security = DynamicSecurity(
                self._request, server, logins, ready=self._catch_up, raised=raised, ended=ended
            )
            self._add(ANSWERS, self._security.answer)

    async def start(self) -> None:
        """Report every stored status, then connect in the background: the hub runs while the broker is away."""
        for hardware_id, payload in self._store.all(STATUS):
            self._tell(self._receiver.message, hardware_id, STATUS, payload, True)
        if self._security is not None:
            self._security.start()
        self._link.start()

    async def stop(self) -> None:
        """Log out; every plug is then away for this hub."""
        if self._security is not None:
            await self._security.stop()
        self._all_gone("hub_stopped")
        await self._link.stop()

    @property
    def is_up(self) -> bool:
        """Is the hub logged in at the broker?"""
        return self._link.connection is not None

    def login_changed(self, name: str, secret: str | None) -> None:
        """A login was made or got a new secret, or (None) has ended. Without dynamic security people write it to the
        broker's files themselves."""
        if self._security is not None:
            self._security.login_changed(name, secret)

    def send(self, hardware_id: str, suffix: str, payload: bytes, qos: int = 0) -> bool:
        """Publish now; False when the plug is not known to be there (an `ack` is published all the same)."""
        there = hardware_id in self._there
        if not there and suffix not in TO_ANYBODY:
            return False
        sent = self._publish(f"{ROOT}{hardware_id}/{suffix}", payload, qos)
        return sent and (there or suffix not in TO_ANYBODY[:1])

    def retain(self, hardware_id: str, suffix: str, payload: bytes) -> None:
        """Store, and publish as retained now or when the broker is there; an empty payload takes it away."""
        self._store.set(hardware_id, suffix, payload)
        if suffix == CONFIG:
            self._configs[hardware_id] = None
            self._flush()
        else:
            self.publish(f"{ROOT}{hardware_id}/{suffix}", payload, 1, retain=True)

    def is_connected(self, hardware_id: str) -> bool:
        """Has it been heard since the hub's connection began, and no will since?"""
        return hardware_id in self._there

    def drop(self, hardware_id: str) -> None:
        """Take it as gone. Its connection is the broker's, which ends it when the login changes there."""
        self._gone(hardware_id, "refused")

    def drop_client(self, name: str) -> None:
        """Nothing: the broker ends the connections of a login that is removed there."""

    def subscribe(self, topic_filter: str, handler: Handler) -> Callable[[], None]:
        """Hear what others publish, and what is retained: handler(topic, payload, retained). Returns what ends it.
        A second handler of the same filter makes the broker send what is retained to both. ValueError: no filter."""
        if not valid_filter(topic_filter):
            raise ValueError(f"not a topic filter: {topic_filter!r}")
        subscription = self._add(topic_filter, handler)
        self._subscribe(subscription)

        def end() -> None:
            if handler in subscription.handlers:
                subscription.handlers.remove(handler)
            if not subscription.handlers and self._subscriptions.get(topic_filter) is subscription:
                del self._subscriptions[topic_filter], self._by_identifier[subscription.identifier]
                if self._link.connection is not None:
                    self._link.connection.unsubscribe(topic_filter)

        return end

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """To other programs. A retained message waits for the broker (the newest of each topic), others do not."""
        if self._publish(topic, payload, qos, retain):
            self._later.pop(topic, None)
        elif retain and (topic in self._later or len(self._later) < MOST_LATER):
            self._later[topic] = payload, qos
        else:
            self._counts["dropped:away"] += 1

    def stats(self) -> dict[str, int]:
        """Counters: what is open now, messages received from plugs, and by reason what was refused or dropped."""
        return {
            "connections": int(self.is_up),
            "plugs": len(self._there),
            "filters": len(self._subscriptions),
            "logins": self._link.logins,
            "received": self._received,
            **self._counts,
        }

    def logged_in(self, connection: Connection) -> None:
        """For Link: subscribe, then bring the broker's retained messages up to date."""
        self._asked.clear()
        self._looks = self._signed
        if self._refused:
            self._refused.clear()
            self._ended("external-broker-rights")
        self._configs = {hardware_id: None for hardware_id, _ in self._store.all(CONFIG)} | self._configs
        for subscription in self._subscriptions.values():
            self._subscribe(subscription)
        if self._security is None:
            self._catch_up()
        else:
            self._security.connected()

    def logged_out(self) -> None:
        """For Link: of no plug is known any more whether it is there."""
        if self._security is not None:
            self._security.disconnected()
        self._all_gone("closed")

    def arrived(self, message: Message) -> None:
        """For Link: a message came. Hot path."""
        topic, payload, retained = message.topic, message.payload, message.retained
        if message.identifiers:
            found = [self._by_identifier[i] for i in message.identifiers if i in self._by_identifier]
        else:  # sent to this client alone, or by a broker without identifiers
            found = [one for one in self._subscriptions.values() if matches(one.filter, topic)]
        for subscription in found:
            for handler in tuple(subscription.handlers):
                self._tell(handler, topic, payload, retained)

    def answered(self, connection: Connection, packet_id: int, code: int) -> None:
        """For Link: remember what the broker refuses; send what waited for a place."""
        topic = self._asked.pop(packet_id, None)
        if code >= REFUSED and topic is not None:
            self._counts["refused:broker"] += 1
            shown = general(topic)
            if shown not in self._refused:
                self._refused.add(shown)
                self._raised(Sentence("external-broker-rights", {"topics": sorted(self._refused)}))
        self._flush()

    def _from_plug(self, topic: str, payload: bytes, retained: bool) -> None:
        hardware_id, _, suffix = topic[len(ROOT) :].partition("/")
        self._received += 1
        if suffix == PAIR:
            if not retained:
                self._receiver.message(hardware_id, suffix, payload, False)
            return
        if suffix == STATUS and self._known(hardware_id):
            self._store.set(hardware_id, suffix, payload)
        if retained or not payload:  # an empty one is how somebody deletes a retained message
            if payload:
                self._receiver.message(hardware_id, suffix, payload, True)
            return
        left = suffix == STATUS and is_will(payload)
        if not left:
            self._came(hardware_id)
        self._receiver.message(hardware_id, suffix, payload, False)
        if left and hardware_id in self._there and self._there[hardware_id] is None:
            self._there[hardware_id] = self._clock.call_later(LEAVE_S, lambda: self._gone(hardware_id, "will"))

    def _found_sign(self, topic: str, payload: bytes, retained: bool) -> None:
        """Every hub leaves its sign when it logs in. Who finds another one where its own was, has been thrown out by
        a hub of the same id, and has thrown that one out: Mosquitto 2.0 itself does not say why it ends a connection.
        """
        if self._looks and payload and payload != self._sign:
            self._link.taken_over()

    def _came(self, hardware_id: str) -> None:
        if hardware_id in self._there:
            timer = self._there[hardware_id]
            if timer is not None:
                timer.cancel()
                self._there[hardware_id] = None
                self._receiver.disconnected(hardware_id, "taken_over")
                self._receiver.connected(hardware_id, self._peer)
        elif self._known(hardware_id):
            self._there[hardware_id] = None
            self._receiver.connected(hardware_id, self._peer)

    def _gone(self, hardware_id: str, cause: str) -> None:
        if hardware_id in self._there:
            timer = self._there.pop(hardware_id)
            if timer is not None:
                timer.cancel()
            self._tell(self._receiver.disconnected, hardware_id, cause)

    def _all_gone(self, cause: str) -> None:
        for hardware_id in tuple(self._there):
            self._gone(hardware_id, cause)

    def _add(self, topic_filter: str, handler: Handler) -> _Subscription:
        subscription = self._subscriptions.get(topic_filter)
        if subscription is None:
            identifier = max(self._by_identifier, default=0) + 1
            subscription = _Subscription(topic_filter, identifier, 1)
            self._subscriptions[topic_filter] = self._by_identifier[identifier] = subscription
        subscription.handlers.append(handler)
        return subscription

    def _subscribe(self, one: _Subscription) -> None:
        connection = self._link.connection
        if connection is not None:
            self._asked[connection.subscribe(one.filter, one.qos, one.identifier)] = one.filter

    def _publish(self, topic: str, payload: bytes, qos: int, retain: bool = False) -> bool:
        connection = self._link.connection
        packet_id = None if connection is None else connection.publish(topic, payload, min(qos, 1), retain=retain)
        if packet_id is None:
            if connection is not None:
                self._counts["dropped:slow"] += 1
            return False
        if packet_id:
            self._asked[packet_id] = topic
        return True

    def _request(self, topic: str, payload: bytes) -> bool:
        """For dynamic security."""
        return self._publish(topic, payload, 1)

    def _catch_up(self) -> None:
        # After the subscriptions: what these brought is the sign of whoever was here since.
        self._signed = self._publish(self._sign_topic, self._sign, 1, retain=True) or self._signed
        later, self._later = self._later, {}
        for topic, (payload, qos) in later.items():
            self.publish(topic, payload, qos, retain=True)
        self._flush()

    def _flush(self) -> None:
        """Publish the configs that wait, half of the broker's places at a time: commands find the other half free."""
        connection = self._link.connection
        if connection is None or (self._security is not None and not self._security.ready):
            return
        while self._configs and not connection.slow and len(connection.inflight) <= connection.limit.inflight // 2:
            hardware_id = next(iter(self._configs))
            payload = self._store.get(hardware_id, CONFIG) or b""
            if not self._publish(f"{ROOT}{hardware_id}/{CONFIG}", payload, 1, retain=True):
                return
            self._configs.pop(hardware_id, None)
            if not payload:  # the plug left the registry: its last status is nobody's any more
                self._publish(f"{ROOT}{hardware_id}/{STATUS}", b"", 1, retain=True)

    def _tell(self, function: Callable[..., None], *arguments: object) -> None:
        """Call out of the broker: what fails there is logged and counted, and the connection goes on."""
        try:
            function(*arguments)
        except Exception:
            self._counts["receiver_errors"] += 1
            now = self._clock.monotonic()
            if now - self._reported >= REPORT_S:
                self._reported = now
                log.exception("A message (%s) could not be handled", arguments[0])


def is_will(payload: bytes) -> bool:
    """Does this `status` say that the plug is gone?"""
    if b"offline" not in payload:
        return False
    try:
        status = json.loads(payload)
    except ValueError:
        return False
    return isinstance(status, dict) and status.get("status") == "offline"


def general(topic: str) -> str:
    """A plug's topic as one of all plugs, so that people see one line in place of a hundred."""
    if not topic.startswith(ROOT):
        return topic
    return f"{ROOT}+/{topic[len(ROOT) :].partition('/')[2]}"
