"""One connection of the WebSocket: what it says, what it follows, and frames that a slow reader cannot make pile up."""

import asyncio
import contextlib
import secrets
import socket
from typing import TYPE_CHECKING

import msgspec
from aiohttp import WSMsgType, web

from hub.accept import reader_language
from hub.api.audience import Outlet
from hub.api.resume import Missed, Told
from hub.api.security import peer_address
from hub.api.socket_messages import MESSAGE_LIMIT, ROOMS_LIMIT, Auth, Subscribe, Unsubscribe
from hub.auth.principal import Principal
from hub.broker.limits import host_key
from hub.clock import Timer
from hub.frames import TEXT, close_frame, encode_frame, require_masks
from hub.messages import HubError, invalid, render

if TYPE_CHECKING:
    from hub.api.websocket import WebSockets

NOT_AUTHENTICATED = 4401
FORBIDDEN = 4403
TOO_MANY = 1013

AUTH_WITHIN = 10.0  # seconds
NEVER = 10 * 365 * 24 * 3600.0
HEARTBEAT = 30.0  # a dead connection is noticed after one and a half
CLOSE_WITHIN = 2.0
MESSAGES_A_SECOND = 50  # of one client; what comes faster is read later
MESSAGES_AT_ONCE = 200
LOST = 64  # times what counts as behind: so much is only waiting where the other end does not read at all
UNSENT = 16 * 1024  # bytes that the kernel takes before it can send them
NOBODY = Principal("", "", "guest")
OVER = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
MADE_UP_FOR = ("ready", "subscribed", "samples", "device")  # what comes after them says all that they said
PONG = encode_frame(TEXT, b'{"type":"pong"}')


class Connection:
    """One client. Reads in its own handler; frames are written by the feed, straight to the transport.

    `seq` counts the frames that carry it. What a slow reader has not taken yet is held back here: the newest
    sample of each outlet and the names of changed devices, so that what is kept is bounded by the number of plugs.
    `opened`: an access token where the browser's cookie has signed it in already.
    """

    def __init__(self, sockets: "WebSockets", request: web.Request, opened: str | None = None) -> None:
        self.principal = NOBODY
        self.resume = secrets.token_urlsafe(16)
        self.rooms: set[str] = set()
        self._asked_in = reader_language(request.headers.get("Accept-Language"))
        self.peer = peer_address(request)
        self.host = host_key(self.peer)
        self._token = ""
        self._opened = opened
        self._spoken = False
        self._told = Told()
        self._sockets = sockets
        self._feed = sockets.feed
        self._request = request
        self._socket = web.WebSocketResponse(
            compress=False, heartbeat=HEARTBEAT, max_msg_size=MESSAGE_LIMIT, timeout=CLOSE_WITHIN, autoclose=False
        )
        self._transport: asyncio.WriteTransport | None = None
        self._timer: Timer | None = None
        self._ended = False
        self._seq = 0
        self._heard = -MESSAGES_AT_ONCE / MESSAGES_A_SECOND  # when the next message is due, monotonic seconds
        self._late_samples: dict[Outlet, bytes] = {}
        self._late_changes: dict[str, None] = {}
        self._lossy = False

    @property
    def user(self) -> str:
        """The opaque id of the person; empty until authenticated."""
        return self.principal.user

    @property
    def language(self) -> str:
        """That of the person's account, as it is now: a page cannot say one in a handshake, the browser says its own.
        Before the login, and of the hub's own command line, that of the handshake."""
        return self._sockets.language_of(self.user) or self._asked_in

    async def serve(self) -> web.WebSocketResponse:
        """Shake hands and read until the end."""
        require_masks(self._request)
        await self._socket.prepare(self._request)
        self._transport = self._request.transport
        if self._transport is not None and not self._transport.is_closing():
            keep_kernel_from_hoarding(self._transport)
        self._timer = self._sockets.clock.call_later(AUTH_WITHIN, self._expired)
        waits = False
        try:
            if self._opened is not None:
                self._enter_by_cookie(self._opened)
            left = await self._listen()
            waits = not (left or self._ended) and self._sockets.wait_for(self)
        finally:
            if not waits:
                self._feed.leave(self)
            self._timer.cancel()
            if self._ended and self._transport is not None:
                self._transport.close()  # both sides have said goodbye; a second one is a broken line to browsers
        return self._socket

    async def _listen(self) -> bool:
        """Read to the end. Did the other side say goodbye? Else the line is broken."""
        with contextlib.suppress(ConnectionError):  # a PING that comes after the end cannot be answered
            while (message := await self._socket.receive()).type not in OVER:
                if self._ended:
                    continue
                await self._pace()
                if message.type is WSMsgType.TEXT:
                    self._read(message.data)
                elif message.type is WSMsgType.BINARY:
                    self._refuse(HubError("message-invalid"))
            if not self._ended:
                await self._socket.close(drain=False)
            return message.type is WSMsgType.CLOSE
        return False

    def give_up(self) -> None:
        """Nobody hears this one any more, or a new connection takes its place."""
        self._feed.leave(self)
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()

    async def _pace(self) -> None:
        """Nobody keeps the hub busy by talking without end: the network makes them wait."""
        now = self._sockets.clock.monotonic()
        self._heard = max(self._heard, now - MESSAGES_AT_ONCE / MESSAGES_A_SECOND) + 1 / MESSAGES_A_SECOND
        if self._heard > now:
            await self._sockets.clock.sleep(self._heard - now)

    def end(self, code: int) -> None:
        """Say goodbye with this close code; who does not answer is cut off. Calling it again does nothing."""
        if self._ended or self._transport is None or self._timer is None:
            return
        self._feed.leave(self)
        self._timer.cancel()
        self._ended = True
        if self.behind:
            self._transport.abort()
            return
        self._write(close_frame(code))
        self._timer = self._sockets.clock.call_later(CLOSE_WITHIN, self._transport.abort)

    def _expired(self) -> None:
        self._tell_error(HubError("token-expired" if self.user else "token-missing"))
        self.end(NOT_AUTHENTICATED)

    def _read(self, text: str) -> None:
        try:
            message = self._sockets.decoder.decode(text)
            first, self._spoken = not self._spoken, True
            if isinstance(message, Auth):
                if first:
                    self.principal = NOBODY  # what it says counts, not the cookie
                self._authenticate(message.token, message if first else None)
            elif not self.user:
                raise HubError("token-missing")
            elif isinstance(message, Subscribe):
                self._subscribe(message.rooms)
            elif isinstance(message, Unsubscribe):
                self._unsubscribe(message.rooms)
            else:
                self._write(PONG)
        except HubError as error:
            self._refuse(self._noted(error, "follow" if isinstance(message, Subscribe) else "connect"))
        except msgspec.ValidationError as error:
            self._refuse(invalid(error))
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            self._refuse(HubError("message-invalid"))

    def _enter_by_cookie(self, token: str) -> None:
        with contextlib.suppress(HubError):  # as if there were none
            if self._sockets.may_join(self._sockets.tokens.access(token).principal.user):
                self._authenticate(token)

    def _authenticate(self, token: str, coming_back: Auth | None = None) -> None:
        access = self._sockets.tokens.access(token)
        if self.user and (access.principal.user, access.principal.home) != (self.user, self.principal.home):
            self._tell_error(self._noted(HubError("forbidden"), "connect"))
            self.end(FORBIDDEN)
            return
        if not self.user and not self._sockets.may_join(access.principal.user):
            self._tell_error(HubError("connections-too-many", limit=self._sockets.limit))
            self.end(TOO_MANY)
            return
        self.principal, self._token = access.principal, token
        if self._timer is not None:
            self._timer.cancel()
        clock = self._sockets.clock
        ends = NEVER if access.expires is None else (access.expires - clock.now()) / 1000
        self._timer = clock.call_later(max(0.0, ends), self._expired)
        missed = None
        if coming_back is not None and coming_back.resume is not None:
            missed = self._sockets.take_over(self, coming_back.resume, coming_back.seq)
        self.rooms |= set() if missed is None else missed.rooms
        self._feed.follow(self)
        ready = {
            "session": self._sockets.session,
            "by": "auth" if self._spoken else "cookie",
            "resume": self.resume,
            "resumed": missed is not None,
        }
        self.tell("ready", msgspec.json.encode(ready)[1:-1])
        if missed is not None:
            self._make_up_for(missed)

    def missed(self, seq: int) -> Missed | None:
        """What came after `seq`, or was held back; None where that is not known whole."""
        after = self._told.after(seq)
        if after is None or seq > self._seq:
            return None
        frames, changes = after
        return Missed(self.rooms, frames, [*changes, *self._late_changes])

    def _make_up_for(self, missed: Missed) -> None:
        for type, rest in missed.frames:
            self.tell(type, rest)
        for device in dict.fromkeys(missed.changes):
            self.changed(device)
        newest = self._feed.newest(self)
        if newest:
            self.tell("samples", b'"items":[' + newest + b'],"lossy":true')

    def look_again(self) -> None:
        """What its token gives may be less or more than it was; where it is nothing any more, this is the end."""
        if self._ended:  # a session that ends and a right that goes come one after the other
            return
        try:
            self.principal = self._sockets.tokens.access(self._token).principal
        except HubError as error:
            self._tell_error(error)
            self.end(NOT_AUTHENTICATED)
        else:
            self._feed.recheck(self)

    def _subscribe(self, rooms: list[str]) -> None:
        if not self.principal.has_scope("read"):
            raise HubError("forbidden")
        for room in rooms:
            self._feed.check_room(self.principal, room)
        if len(self.rooms | set(rooms)) > ROOMS_LIMIT:
            raise HubError("room-too-many", limit=ROOMS_LIMIT)
        self.rooms |= set(rooms)
        self._followed()

    def _unsubscribe(self, rooms: list[str]) -> None:
        self.rooms -= set(rooms)
        self._followed()

    def _followed(self) -> None:
        self._feed.follow(self)
        self.tell("subscribed", b'"rooms":' + msgspec.json.encode(sorted(self.rooms)))

    def _noted(self, error: HubError, action: str) -> HubError:
        """What to answer, once it is written down."""
        return self._sockets.refused(action, self.principal if self.user else None, self.peer, error)

    def _refuse(self, error: HubError) -> None:
        """Say what was wrong; before the login that is the end."""
        self._tell_error(error)
        if not self.user:
            self.end(NOT_AUTHENTICATED)

    def _tell_error(self, error: HubError) -> None:
        detail = render(error.message, self.language)
        self._write(encode_frame(TEXT, msgspec.json.encode({"type": "error", "code": error.id, "detail": detail})))

    @property
    def waiting(self) -> int:
        """Bytes that the network has not taken yet."""
        transport = self._transport
        return 0 if transport is None or transport.is_closing() else transport.get_write_buffer_size()

    @property
    def behind(self) -> bool:
        """Has the reader still to take more than what a frame or two need?"""
        return self.waiting > self._sockets.behind

    def samples(self, items: list[tuple[Outlet, bytes]], body: bytes) -> None:
        """Send, or keep only the newest of each outlet for later."""
        if self._transport is None or self._transport.is_closing():  # the feed knows the newest
            return
        if not self._late_samples and not self.behind:
            self.tell("samples", b'"items":[' + body + b"]")
            return
        for outlet, item in items:
            self._lossy = self._lossy or outlet in self._late_samples
            self._late_samples[outlet] = item
        self._feed.hold_back(self)

    def changed(self, device: str) -> None:
        """Send the device as it is now, or remember that it must be sent."""
        if self.behind:
            self._late_changes[device] = None
            self._feed.hold_back(self)
            return
        encoded = self._feed.encoded(self.principal, device)
        if encoded is not None:
            self.tell("device", b'"device":' + encoded)
            self._told.device(self._seq, device)

    def removed(self, device: str) -> None:
        """Nothing more is sent of it."""
        self._late_changes.pop(device, None)
        for outlet in [outlet for outlet in self._late_samples if outlet[0] == device]:
            del self._late_samples[outlet]
        self.tell("device_removed", b'"device":' + msgspec.json.encode(device))

    def catch_up(self) -> bool:
        """Send what was held back, if the reader has caught up."""
        if self.behind:
            return False
        changes, self._late_changes = self._late_changes, {}
        for device in changes:
            self.changed(device)
        if self._late_samples:
            items = b",".join(self._late_samples.values())
            lossy = b',"lossy":true' if self._lossy else b""
            self._late_samples, self._lossy = {}, False
            self.tell("samples", b'"items":[' + items + b"]" + lossy)
        return True

    def tell(self, type: str, rest: bytes) -> None:
        """Any frame with a sequence number."""
        self._seq += 1
        if type not in MADE_UP_FOR:
            self._told.frame(self._seq, type, rest)
        self._write(encode_frame(TEXT, b'{"type":"%b","seq":%d,%b}' % (type.encode(), self._seq, rest)))

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing() or self._socket.closed:
            return
        if self.waiting > LOST * self._sockets.behind:
            transport.abort()
            return
        transport.write(data)


def keep_kernel_from_hoarding(transport: asyncio.BaseTransport) -> None:
    """By default the kernel takes megabytes for a reader who takes nothing, and all of that has to be read, long out of
    date, before the newest values. What is on its way is not counted: fast readers stay fast."""
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
