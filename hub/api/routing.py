"""The route table: what each route takes, answers and requires. Requests are checked and OpenAPI is made from it."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import msgspec
from aiohttp import web
from multidict import CIMultiDict, MultiMapping

from hub.accept import reader_language, takes_gzip
from hub.api.errors import broken, status_of
from hub.api.security import peer_address
from hub.auth.principal import ROLES, Principal
from hub.broker.limits import host_key
from hub.messages import HubError, invalid

if TYPE_CHECKING:
    from hub.api.services import Services

QueryT = TypeVar("QueryT")
BodyT = TypeVar("BodyT")

Role = Literal["open", "guest", "user", "admin", "operator"]
"""Who may call: anyone, a member of the home with at least this role, or an admin of the hub's first home."""
Scope = Literal["read", "control", "manage", "admin", "person"]
"""What an API key needs; "person": no key will do, it is about the account itself."""
DeviceRight = Literal["view", "control", "manage"]

PREFIX = "/api/v1"
BODY_SECONDS = 20  # for a body to arrive, once its head has
WRONG_TOKENS = "tokens"
ENCODINGS = ("gzip", "deflate")
"""How a body may be compressed."""
GZIP_FROM = 1024  # bytes; below, the head costs more than is saved
THREAD_FROM = 100_000  # bytes of JSON; compressing more would hold up everybody else
GZIP_LEVEL = 1  # 60 KB of devices: 0.1 ms, level 6 takes three times as long for a tenth less


REFUSING = frozenset({401, 403})
REFUSED_TOO = frozenset({"setup-code-wrong", "invitation-over", "too-many-attempts", "room-unknown"})
"""Refusals of other statuses. `too-many-attempts`: equal ones are one line a minute, whoever goes on trying."""
NOT_NOTED = {
    "token-expired": "everyday: a program renews it",
    "session-ended": "everyday: one signs in again; a token that comes back is session.reused",
    "login-wrong": "stands there already, with the account",
    "code-needed": "the first half of a sign-in with a second factor",
    "passkey-refused": "stands there already, with the reason",
    "passkey-needs-name": "about how the hub was opened",
    "passkey-needs-https": "about how the hub was opened",
    "passkey-name-unknown": "about how the hub was opened",
    "https-required": "about how the hub was opened",
    "path-unknown": "no such route, for anybody",
    "notifier-unknown": "of configuration.yaml, the same for everybody",
}
"""What the audit log does not note, with the reason."""


def is_noted(id: str) -> bool:
    """Does the audit log note this refusal? Of those who may not, and who ask for what is not theirs or not there: all
    but what is named above with its reason, so that a new refusal is noted."""
    hidden = id.endswith("-unknown") and status_of(id) == 404
    return id not in NOT_NOTED and (status_of(id) in REFUSING or hidden or id in REFUSED_TOO)


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The query of a route that takes none."""


class Call(Generic[QueryT, BodyT]):
    """One request, checked: what a handler gets."""

    __slots__ = ("_principal", "body", "query", "reply_headers", "request", "services")

    def __init__(
        self, request: web.Request, services: "Services", principal: Principal | None, query: QueryT, body: BodyT
    ) -> None:
        self.request = request
        self.services = services
        self._principal = principal
        self.query = query
        self.body = body
        self.reply_headers: CIMultiDict[str] = CIMultiDict()

    @property
    def principal(self) -> Principal:
        """Who asks; only on routes that are not open."""
        if self._principal is None:
            raise HubError("token-missing")
        return self._principal

    @property
    def language(self) -> str:
        """The reader's language."""
        return reader_language(self.request.headers.get("Accept-Language"))

    @property
    def wants_head_only(self) -> bool:
        """HEAD: what streams its body must not send one."""
        return self.request.method == "HEAD"

    def path(self, name: str) -> str:
        """A part of the path, as declared in braces."""
        return self.request.match_info[name]


AnyCall = Call[Any, Any]
Handler = Callable[[AnyCall], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of the table. `path` below /api/v1; `errors`: the problem codes of its own, beside those of its parts.

    role: who may call. device: the right on the device in the path that is needed besides.
    accepted: what is answered with 202 instead, where the work goes on; such a handler answers with its own response.
    media: what is answered; a handler that streams something else than JSON answers with its own response.
    example, answer_example, accepted_example: bodies for the document. scope: what an API key needs (None: by role and
    method). counted_as: of an open route, as what a call that can be read counts in place of its address: the person
    whose secret it shows, or a count of the address of its own, which others there do not use up (None: neither).
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    summary: str
    tag: str
    handler: Handler
    role: Role
    device: DeviceRight | None = None
    body: type[msgspec.Struct] | None = None
    body_optional: bool = False
    query: type[msgspec.Struct] = NoQuery
    answer: type[msgspec.Struct] | None = None
    status: int = 200
    errors: Sequence[str] = ()
    example: Any = None
    answer_example: Any = None
    media: str = "application/json"
    description: str = ""
    scope: Scope | None = None
    accepted: type[msgspec.Struct] | None = None
    accepted_example: Any = None
    counted_as: Callable[[AnyCall], str | None] | None = None

    @property
    def needed_scope(self) -> Scope:
        """What an API key needs for it."""
        if self.scope is not None:
            return self.scope
        if self.role in ("admin", "operator"):
            return "admin"
        return "read" if self.method == "GET" else "manage"

    @property
    def name(self) -> str:
        """The operation's id: the handler's own name."""
        return self.handler.__name__


def bind(route: Route, services: "Services") -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of a route."""
    decoder = msgspec.json.Decoder(route.body) if route.body else None

    async def handle(request: web.Request) -> web.StreamResponse:
        principal = None
        try:
            try:
                principal = services.principal(request) if route.role != "open" else None
            finally:  # who shows no token, or a wrong one, counts as a stranger
                if route.counted_as is None:
                    count(route, services, principal, request)
            if principal is not None:
                require(route, services, principal, request.match_info)
            return await answer(request, principal)
        except HubError as error:
            asked_of = "/".join(request.match_info.values()) or None
            write_down(services, route.name, error, principal=principal, peer=peer_address(request), asked_of=asked_of)
            raise

    async def answer(request: web.Request, principal: Principal | None) -> web.StreamResponse:
        counted = None
        try:
            query = read_query(route.query, request.query)
            body = await read_body(route, decoder, request) if decoder else None
            if route.counted_as is not None:
                counted = route.counted_as(Call(request, services, None, query, body))
        finally:  # what cannot be read shows nothing
            if route.counted_as is not None:
                count(route, services, principal, request, counted)
        if decoder is not None and principal is not None:  # what it showed may have ended while its body was waited for
            principal = services.principal(request)
            require(route, services, principal, request.match_info)
        call: AnyCall = Call(request, services, principal, query, body)
        given = await route.handler(call)
        if isinstance(given, web.StreamResponse):
            return given
        if isinstance(given, msgspec.Struct):
            given = msgspec.json.encode(given)
        if given is not None and len(given) > THREAD_FROM:
            return await asyncio.to_thread(respond, request, given, route.status, call.reply_headers)
        return respond(request, given, route.status, call.reply_headers)

    return handle


def write_down(
    services: "Services",
    action: str,
    error: HubError,
    *,
    principal: Principal | None,
    peer: str,
    asked_of: str | None,
) -> None:
    """A refused access, for the audit log of the asker's home; a stranger's stands in the first one's. `asked_of`: the
    thing that it was about."""
    if not is_noted(error.id):
        return
    who = principal or Principal("", services.homes.first.id, "guest")
    who = msgspec.structs.replace(who, origin=who.origin or peer)
    services.identity.audit.refuse(who, action, error.id, asked_of)


def count(
    route: Route, services: "Services", principal: Principal | None, request: web.Request, counted: str | None = None
) -> None:
    """Every call counts against its person, an open one against its address, or against what its route counts it as;
    the machine's own command line does not. Wrong tokens are a count of their own: they keep nobody from an open route.

    Raises HubError("requests-too-many").
    """
    if counted is None and route.role != "open":
        counted = at_address(WRONG_TOKENS, peer_address(request))
    count_call(services, principal, peer_address(request), write=route.method != "GET", counted=counted)


def count_call(
    services: "Services", principal: Principal | None, peer: str, *, write: bool, counted: str | None = None
) -> None:
    """One call of somebody, or of a stranger from that address. Raises HubError("requests-too-many")."""
    if services.limits is None or (principal is not None and principal.role == "system"):
        return
    known = counted if principal is None else principal.user
    services.limits.take(host_key(peer) if known is None else known, write=write)


def at_address(what: str, peer: str) -> str:
    """The count of one thing alone from this address."""
    return f"{what} {host_key(peer)}"


def counted_alone(what: str) -> Callable[[AnyCall], str]:
    """For a route whose calls are a count of their own, by address."""
    return lambda call: at_address(what, peer_address(call.request))


def require(route: Route, services: "Services", principal: Principal, path: Any) -> None:
    """The one place where a route's right is checked. Raises "forbidden", and "device-unknown" where the asker
    may not even know that there is such a device."""
    if route.role in ("admin", "operator") and not may_look_after(services, principal):
        raise HubError("address-refused")
    if route.role == "operator":
        principal.require_operator()
    elif route.role != "open" and principal.role != "system" and not at_least(principal.role, route.role):
        raise HubError("forbidden")
    if principal.scopes is not None and not principal.has_scope(route.needed_scope):
        raise HubError("forbidden")
    if route.device is not None:
        services.registry.require(principal, path["device"], route.device)


def may_look_after(services: "Services", principal: Principal) -> bool:
    """Is the address one of those that the configuration names, where it names some?"""
    return not services.admin_networks or principal.role == "system" or principal.origin in services.admin_networks


def at_least(held: str, needed: str) -> bool:
    """Is this role as much as that one? An unknown one is nothing."""
    return held in ROLES and ROLES.index(held) >= ROLES.index(needed)


def read_query(kind: type[msgspec.Struct], given: MultiMapping[str]) -> Any:
    """The query string as its struct. Raises HubError with the parameter as field."""
    lists = _list_fields(kind)
    values: dict[str, Any] = {}
    for name in given:
        found = given.getall(name)
        if name in lists:
            values[name] = found
        elif len(found) > 1:
            raise HubError("field-repeated", field=name, name=name)
        else:
            values[name] = found[0]
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


async def read_body(route: Route, decoder: msgspec.json.Decoder[Any], request: web.Request) -> Any:
    """The JSON body as its struct. Raises HubError with the place or the field."""
    encoding = ",".join(request.headers.getall("Content-Encoding", ["identity"])).lower()
    if encoding not in ("identity", *ENCODINGS):
        raise HubError("content-encoding-wrong", accepted=", ".join(ENCODINGS))
    try:
        async with asyncio.timeout(BODY_SECONDS):
            raw = await request.read()
    except TimeoutError as error:
        raise HubError("body-too-slow", seconds=BODY_SECONDS) from error
    except web.HTTPRequestEntityTooLarge as error:
        raise HubError("body-too-large", limit=request.client_max_size) from error
    except web.RequestPayloadError as error:
        raise HubError("request-invalid") from error  # chunks that it does not keep to
    except ConnectionError as error:
        raise HubError("request-invalid") from error  # it left in the middle of its body: nobody is there to read this
    if not raw:
        if route.body_optional and route.body is not None:
            return route.body()
        raise HubError("body-missing")
    if request.content_type != "application/json":
        raise HubError("content-type-wrong")
    if encoding != "identity":
        raw = unpacked(raw, encoding, request.client_max_size)
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    except msgspec.DecodeError as error:
        raise broken(error, raw) from None
    except UnicodeDecodeError:
        raise HubError("text-not-utf8") from None
    except RecursionError:
        raise HubError("json-too-deep") from None


def unpacked(raw: bytes, encoding: str, limit: int) -> bytes:
    """A compressed body as it is. Raises HubError("request-invalid") for one that is broken or ends too early,
    HubError("body-too-large") for one that would be of more bytes."""
    bare = encoding == "deflate" and raw[0] & 0xF != zlib.DEFLATED  # some leave the frame of zlib out
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)
    try:
        plain = unpacker.decompress(raw, limit + 1)
    except zlib.error as error:
        raise HubError("request-invalid") from error
    if len(plain) > limit:
        raise HubError("body-too-large", limit=limit)
    if not unpacker.eof:
        raise HubError("request-invalid")
    return plain


def respond(request: web.Request, answer: Any, status: int, headers: CIMultiDict[str]) -> web.Response:
    """A struct, or JSON that is already encoded, as the answer; compressed where that pays."""
    if answer is None:
        return web.Response(status=204 if status == 200 else status, headers=headers)
    raw = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    headers.setdefault("Cache-Control", "no-store")
    headers["Vary"] = "Accept-Encoding"
    if len(raw) > GZIP_FROM and takes_gzip(request.headers.get("Accept-Encoding")):
        packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31)
        raw = packer.compress(raw) + packer.flush()
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=raw, status=status, content_type="application/json", headers=headers)


@lru_cache(maxsize=256)
def _list_fields(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The parameters that may be given several times."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    return frozenset(field.encode_name for field in info.fields if _is_list(field.type))


def _is_list(kind: msgspec.inspect.Type) -> bool:
    while isinstance(kind, msgspec.inspect.Metadata):
        kind = kind.type
    return isinstance(kind, msgspec.inspect.ListType)
