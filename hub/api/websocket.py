"""The WebSocket at /api/v1/ws: who is connected, how many may be, and who may come back where they were."""

import msgspec
from aiohttp import web

from hub.api.connection import Connection
from hub.api.cookies import socket_cookie
from hub.api.feed import Feed
from hub.api.resume import Absent, Missed
from hub.api.routing import count_call, write_down
from hub.api.security import peer_address, require_own_origin
from hub.api.services import Services
from hub.api.socket_messages import ClientMessage
from hub.auth.principal import Principal
from hub.broker.limits import host_key
from hub.frames import VERSION
from hub.messages import HubError

GOING_AWAY = 1001

PER_USER = 20
STRANGERS = 20  # connections from one host that have not signed in yet
TOTAL = 2000
BEHIND = 64 * 1024  # bytes not yet taken by the network: about 700 samples


class WebSockets:
    """All connections. `handle` serves one; `close_all` ends them when the hub stops."""

    def __init__(
        self,
        feed: Feed,
        services: Services,
        *,
        per_user: int = PER_USER,
        total: int = TOTAL,
        behind: int = BEHIND,
    ) -> None:
        self.feed = feed
        self.tokens = services.tokens
        self.clock = services.clock
        self.session = services.session
        self.behind = behind
        self.decoder = msgspec.json.Decoder(ClientMessage)
        self._services = services
        self._per_user = per_user
        self._total = total
        self._open: dict[Connection, None] = {}  # the oldest first
        self._absent: Absent[Connection] = Absent(services.clock)
        self._closing = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends. Raises HubError before the handshake."""
        if request.headers.get("Upgrade", "").lower() != "websocket":  # aiohttp's own refusal repeats what it was sent
            raise HubError("upgrade-missing")
        if request.headers.get("Sec-WebSocket-Version", VERSION) != VERSION:
            raise HubError("websocket-version", version=VERSION)
        try:
            require_own_origin(request)
        except HubError as error:
            raise self.refused("connect", None, peer_address(request), error) from None
        if len(self._open) >= self._total:
            raise HubError("connections-too-many", limit=self._total)
        shown, peer = socket_cookie(request), peer_address(request)
        opened = None if shown is None else self.tokens.opened_by(shown)
        if opened is None or not self._lets_in(opened):
            opened = None  # somebody with more connections than are allowed waits among the strangers
            self._make_room(peer)
        connection = Connection(self, request, opened)
        self._open[connection] = None
        try:
            return await connection.serve()
        finally:
            self._open.pop(connection, None)

    def _lets_in(self, opened: str) -> bool:
        """Will the cookie sign it in at once?"""
        try:
            return self.may_join(self.tokens.access(opened).principal.user)
        except HubError:
            return False

    def _make_room(self, peer: str) -> None:
        """Whoever fills the places of strangers keeps nobody out: the one that has waited longest to sign in gives way
        to a new one, and signing in takes a moment."""
        host = host_key(peer)
        strangers = [connection for connection in self._open if not connection.user and connection.host == host]
        for oldest in strangers[: max(0, len(strangers) - STRANGERS + 1)]:
            del self._open[oldest]
            oldest.give_up()

    def language_of(self, user: str) -> str | None:
        """That of the person's account; None where there is none."""
        found = self._services.people.user(user)
        return None if found is None else found.language

    def may_join(self, user: str) -> bool:
        """Is this person below the limit of connections?"""
        return sum(1 for connection in self._open if connection.user == user) < self._per_user

    def refused(self, action: str, principal: Principal | None, peer: str, error: HubError) -> HubError:
        """Somebody may not: it stands in the audit log as a refused request does, and a room that they may not follow
        counts as one of their reads. What to answer: that, or HubError("requests-too-many")."""
        room = error.message.values.get("room")
        write_down(self._services, action, error, principal=principal, peer=peer, asked_of=room)
        try:
            if action == "follow":
                count_call(self._services, principal, peer, write=False)
        except HubError as too_many:
            return too_many
        return error

    @property
    def limit(self) -> int:
        """Connections for each person."""
        return self._per_user

    def connections(self) -> list[Connection]:
        """Every open connection."""
        return list(self._open)

    def rights_changed(self, user: str) -> None:
        """Somebody's role or shares are others now, or they are no member any more: everyone sees what they may."""
        self._absent.give_up(lambda connection: connection.user == user)
        for connection in self.connections():
            if connection.user == user:
                connection.look_again()

    def session_ended(self, session: str) -> None:
        """A session or an API key holds no more."""

        def concerned(connection: Connection) -> bool:
            return connection.principal.via == f"session {session}" or connection.principal.scopes is not None

        self._absent.give_up(concerned)
        for connection in self.connections():
            if concerned(connection):
                connection.look_again()

    def wait_for(self, connection: Connection) -> bool:
        """Its line broke: will it go on hearing, in case that it comes back?"""
        if self._closing or not connection.user:
            return False
        self._absent.hold(connection)
        return True

    def take_over(self, asker: Connection, resume: str, seq: int) -> Missed | None:
        """What the connection with this id was told after `seq`, or held back; it ends by that. None: it is unknown,
        was somebody else's or of other rights, or was told more than is kept."""
        others = (other for other in self._open if other.resume == resume and other is not asker)
        held = self._absent.get(resume) or next(others, None)
        if held is None or held.principal != asker.principal:
            return None
        self.feed.flush()
        missed = held.missed(seq)
        if held in self._open:
            held.give_up()
        else:
            self._absent.give_up(lambda connection: connection is held)
        return missed

    def close_all(self) -> None:
        """Tell everyone that the hub goes away."""
        self._closing = True
        self._absent.give_up()
        for connection in self.connections():
            connection.end(GOING_AWAY)
