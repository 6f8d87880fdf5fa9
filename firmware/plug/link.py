"""The way to the hub: connect, reconnect with jittered back-off, live samples first, then answers and replay."""

import asyncio

from . import payload as json_payload
from .mqtt import Client, Refused
from .tasks import cancel, sleep_ms

_FIRST_BACKOFF_MS = 1000
_STABLE_MS = 10_000  # a connection that lasted this long starts the back-off anew
_LIVE_BACKLOG = 5  # samples; what waited longer comes by replay
_BATCH = 120  # samples, about 4.5 KB; a message of minutes has about as much
_PACE_MS = 250  # between two batches
_WRONG_LOGIN = (4, 5)  # CONNACK; 3 says that the hub has no time now


class Link:
    """Owns the connection. The plug calls sampled() and reported(); everything else happens here."""

    def __init__(self, plug) -> None:
        self._plug = plug
        self._root = "smartplug/" + plug.settings.hardware_id + "/"
        self._client = None
        self._new = asyncio.Event()  # samples to send live
        self._flushed = asyncio.Event()  # none
        self._answers = asyncio.Event()  # reports to send
        self._wanted = asyncio.Event()  # something to replay
        self._replay_at = 0
        self._turn = 0
        self._logged_in = False
        self.refusals = 0  # logins in a row that a broker refused

    @property
    def online(self) -> bool:
        return self._client is not None

    def sampled(self) -> None:
        """New samples are in the rings."""
        if self._client is not None:
            self._flushed.clear()
            self._new.set()

    def reported(self) -> None:
        """There are reports to publish."""
        self._answers.set()
        if self._client is None:
            self._plug.reports_sent()  # nobody can be told now

    def drop(self) -> None:
        """Lose the connection without a word, as when the network fails."""
        if self._client is not None:
            self._client.closed.set()

    async def run(self) -> None:
        """Keep a connection for ever."""
        plug = self._plug
        backoff = _FIRST_BACKOFF_MS
        while True:
            started = plug.uptime.ms()
            unpaired = plug.pairing.needed
            self._logged_in = False
            try:
                if unpaired:
                    await plug.board.network()
                    await plug.pairing.run()
                else:
                    await self._connection()
            except Refused as error:
                self.refusals += error.args[0] in _WRONG_LOGIN
                plug.board.log("login refused: code %r" % error.args[0])
                plug.pairing.failed()
            except (OSError, EOFError) as error:
                plug.board.log("no connection: %r" % error)
                if not self._logged_in:
                    plug.pairing.failed()
            if plug.ending:  # a cancellation that comes while a connection is cleaned up ends there
                return
            if unpaired:
                backoff = _FIRST_BACKOFF_MS
            if plug.pairing.needed:  # somebody may wait for it at any moment
                await sleep_ms(plug.settings.pair_ms // 2 + self._below(plug.settings.pair_ms // 2))
                continue
            if plug.uptime.ms() - started > _STABLE_MS:
                backoff = _FIRST_BACKOFF_MS
            await sleep_ms(backoff // 2 + self._below(backoff // 2))
            backoff = min(2 * backoff, plug.settings.backoff_max_ms)

    def _below(self, limit: int) -> int:
        return int.from_bytes(self._plug.board.random_bytes(3), "big") % (limit + 1)

    async def _connection(self) -> None:
        plug = self._plug
        await plug.board.network()
        host, port, secret, tls = plug.pairing.login()
        name = plug.settings.hardware_id
        will = (self._root + "status", ('{"status":"offline","run":"%s"}' % plug.run_id).encode())
        client = Client((name, name, secret), will, plug.settings, plug.uptime, self._message, plug.board.log)
        tasks = []
        try:
            await client.connect(host, port, tls)
            self.refusals = 0
            self._logged_in = True
            for outlet in plug.outlets:
                outlet.replay.reconnected()
                outlet.next_live = outlet.ring.next
                outlet.replay.live = outlet.ring.next - 1
            if (None, None) not in plug.reports:
                plug.reports = [(None, None)] + plug.reports
            self._client = client
            await client.subscribe([(self._root + "control", 1), (self._root + "config", 1), (self._root + "ack", 0)])
            for work in (self._send_live, self._send_reports, self._send_replay):
                tasks.append(asyncio.create_task(self._guard(work, client)))
            self._answers.set()
            await client.closed.wait()
        finally:
            self._client = None
            self._new.clear()
            self._wanted.clear()
            await cancel(tasks)
            await client.close(not client.closed.is_set())
            plug.reports_sent()

    async def _guard(self, work, client) -> None:
        try:
            await work(client)
        except Exception as error:  # a new connection mends it, whatever it was
            self._plug.board.log("%r" % error)
        client.closed.set()

    def _message(self, topic: bytes, payload: bytes, retained: bool) -> None:
        kind = topic.decode()[len(self._root) :]
        if kind == "ack":
            self._ack(payload)
        elif kind == "control":
            self._plug.control.message(payload, retained)
        elif kind == "config":
            self._plug.configure(payload)

    def _ack(self, payload: bytes) -> None:
        plug = self._plug
        values = json_payload.parse(payload)
        if values is None:
            return
        hub = values.get("hub")
        session = values.get("session")
        acks = values.get("acks")
        if not (isinstance(hub, str) and hub and isinstance(session, str) and isinstance(acks, list)):
            return
        if plug.hub is None:
            plug.adopt(hub)
        if plug.hub != hub:
            return
        plug.pairing.confirmed()
        plug.clock.set(values.get("time"))
        plug.minutes.heard()
        for ack in acks:
            if isinstance(ack, dict):
                if ack.get("run") == plug.run_id:
                    self._acknowledged(session, ack)
                plug.minutes.named(ack.get("run"), ack.get("channel", 0), ack.get("minutes"))

    def _acknowledged(self, session: str, ack: dict) -> None:
        plug = self._plug
        channel = ack.get("channel", 0)
        seq = ack.get("seq")
        seen = ack.get("seen", seq)
        whole = json_payload.whole
        highest = 1 << 62
        if not (whole(channel, 0, len(plug.outlets) - 1) and whole(seq, -1, highest) and whole(seen, -1, highest)):
            return
        replay = plug.outlets[channel].replay
        now = plug.uptime.ms()
        before = replay.round
        waits = replay.ack(session, seq, seen, now)
        plug.minutes.acked(channel, seq, replay.oldest)
        if replay.round != before and plug.minutes.rewind():
            waits = waits or not replay.active
            self._wanted.set()
        if waits:
            self._replay_at = now + self._below(plug.settings.replay_wait_ms)
        if replay.active:
            self._wanted.set()

    async def _send_live(self, client) -> None:
        plug = self._plug
        while True:
            await self._new.wait()
            self._new.clear()
            for outlet in plug.outlets:
                ring = outlet.ring
                if ring.next - outlet.next_live > _LIVE_BACKLOG:
                    outlet.next_live = ring.next - 1
                while outlet.next_live < ring.next:
                    seq = outlet.next_live
                    text = json_payload.telemetry(ring, plug.run_id, outlet.channel, seq, outlet.replay.oldest)
                    await client.publish(self._root + "telemetry", text)
                    outlet.next_live = seq + 1
                    outlet.replay.live = seq
            if not self._new.is_set():
                self._flushed.set()

    async def _send_reports(self, client) -> None:
        plug = self._plug
        while True:
            await self._answers.wait()
            self._answers.clear()
            while plug.reports:
                report = plug.reports[0]
                await client.publish(self._root + "status", plug.status(*report), 1, True)
                if plug.reports and plug.reports[0] is report:
                    plug.reports = plug.reports[1:]
            plug.reports_sent()

    async def _send_replay(self, client) -> None:
        plug = self._plug
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while True:
                wait = self._replay_at - plug.uptime.ms()
                if wait > 0:
                    await sleep_ms(wait)
                    continue
                if self._new.is_set():
                    await self._flushed.wait()
                started = plug.uptime.ms()
                if not await self._send_batch(client):
                    break
                await sleep_ms(max(0, _PACE_MS - (plug.uptime.ms() - started)))

    async def _send_batch(self, client) -> bool:
        plug = self._plug
        for _ in plug.outlets:  # in turn, so that one outlet's long replay does not hold up the other's
            self._turn = (self._turn + 1) % len(plug.outlets)
            outlet = plug.outlets[self._turn]
            replay = outlet.replay
            part = replay.batch(_BATCH, plug.interval)
            if part is not None:
                first, count, dt = part
                text = json_payload.batch(outlet.ring, plug.run_id, outlet.channel, first, count, dt, replay.oldest)
                await client.publish(self._root + "telemetry/batch", text, 1)
                replay.sent(first, count, plug.uptime.ms())
                return True
        text = plug.minutes.message()
        if text is None:
            return False
        await client.publish(self._root + "telemetry/minutes", text, 1)
        plug.minutes.sent()
        return True
