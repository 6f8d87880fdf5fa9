"""Links that let somebody in: made by admins, used by whoever has them."""

from msgspec import convert

from hub.api.paging import PageQuery, page
from hub.api.qr import svg
from hub.api.rest.auth import EXAMPLE, PASSWORD_ERRORS, sign_in
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.security import peer_address, require_own_origin
from hub.api.shown import as_shown
from hub.api.types.auth import Session
from hub.api.types.people import (
    AddedInvitation,
    Invitation,
    InvitationList,
    InviteRequest,
    JoinRequest,
    LinkRequest,
    LinkView,
    ResetRequest,
)
from hub.auth.invitations import Invitation as Stored
from hub.messages import HubError

TAG = "invitations"
EXAMPLE_LINK = "zq1Jt0p2F6mX8bYc3vR5nWkL7dGh9sTa"
PAGES = {"join": "join", "password": "new-password"}
EXAMPLE_INVITATION = Invitation("4be01c77d2aa9f03", "user", None, 1764000000000, 1764086400000)


def invitation_view(stored: Stored) -> Invitation:
    """An invitation as the API shows it."""
    return as_shown(stored, Invitation)


def added(call: AnyCall, made: tuple[Stored, str]) -> AddedInvitation:
    """The link, as another device can open it."""
    stored, text = made
    page = PAGES["join" if stored.role is not None else "password"]
    link = f"{call.services.link_origin(call.request)}/{page}#{text}"
    return AddedInvitation(invitation_view(stored), link, svg(link))


async def list_invitations(call: Call[PageQuery, None]) -> InvitationList:
    """GET /invitations"""
    found = call.services.identity.invitations.list(call.principal)
    shown, following = page(found, call.query, lambda each: (-each.created, each.id), tuple[int, str])
    return InvitationList([invitation_view(each) for each in shown], following)


async def invite(call: Call[NoQuery, InviteRequest]) -> AddedInvitation:
    """POST /invitations"""
    return added(call, await call.services.identity.invitations.invite(call.principal, call.body.role))


async def remove_invitation(call: AnyCall) -> None:
    """DELETE /invitations/{invitation}"""
    await call.services.identity.invitations.remove(call.principal, call.path("invitation"))


def link_of(call: AnyCall) -> str | None:
    """What a link that holds counts as: itself. One that does not is a stranger's."""
    try:
        return f"link {call.services.identity.invitations.look(call.body.token).id}"
    except HubError:
        return None


async def look_at_link(call: Call[NoQuery, LinkRequest]) -> LinkView:
    """POST /auth/link"""
    services = call.services
    found = services.identity.invitations.look(call.body.token)
    home = services.homes.get(found.home)
    user = None if found.user is None else services.people.user(found.user)
    if home is None or (found.user is not None and user is None):
        raise HubError("invitation-over")
    return convert(
        {
            "purpose": "join" if user is None else "password",
            "home": home.name,
            "role": found.role,
            "name": None if user is None else user.name,
            "expires": found.expires,
        },
        LinkView,
    )


async def join(call: Call[NoQuery, JoinRequest]) -> Session:
    """POST /auth/join"""
    require_own_origin(call.request)
    asked, identity, peer = call.body, call.services.identity, peer_address(call.request)
    identity.invitations.look(asked.token)  # before a password is tried
    since = identity.sessions.mark()
    if asked.existing:
        user, _ = await identity.logins.login(asked.email, asked.password, peer, asked.code)
        home = await identity.invitations.accept(asked.token, user, peer)
    elif asked.name is None:
        raise HubError("field-missing", field="name", name="name")
    else:
        user, home = await identity.invitations.join(
            asked.token,
            name=asked.name,
            email=asked.email,
            password=asked.password,
            language=asked.language,
            origin=peer,
        )
    return await sign_in(call, user, home, since)


async def set_password(call: Call[NoQuery, ResetRequest]) -> None:
    """POST /auth/password"""
    require_own_origin(call.request)
    await call.services.identity.invitations.set_password(
        call.body.token, call.body.password, peer_address(call.request)
    )


ROUTES = (
    Route(
        method="GET",
        path="/invitations",
        summary="Links that hold",
        tag=TAG,
        handler=list_invitations,
        role="admin",
        query=PageQuery,
        answer=InvitationList,
        answer_example=InvitationList([EXAMPLE_INVITATION]),
    ),
    Route(
        method="POST",
        path="/invitations",
        summary="Invite somebody into the home",
        tag=TAG,
        handler=invite,
        role="admin",
        body=InviteRequest,
        answer=AddedInvitation,
        status=201,
        errors=("role-invalid", "invitations-too-many", "confirmation-needed"),
        description="The link holds for 24 hours and serves once.",
        example=InviteRequest("guest"),
        answer_example=AddedInvitation(EXAMPLE_INVITATION, "https://plughub.local:8443/join#…", "<svg …/>"),
    ),
    Route(
        method="DELETE",
        path="/invitations/{invitation}",
        summary="Take a link back",
        tag=TAG,
        handler=remove_invitation,
        role="admin",
        errors=("invitation-unknown",),
    ),
    Route(
        method="POST",
        path="/auth/link",
        summary="What a link is for",
        tag=TAG,
        handler=look_at_link,
        role="open",
        body=LinkRequest,
        counted_as=link_of,
        answer=LinkView,
        errors=("invitation-over",),
        example=LinkRequest(EXAMPLE_LINK),
        answer_example=LinkView("join", "Home", "user", None, 1764086400000),
    ),
    Route(
        method="POST",
        path="/auth/join",
        summary="Become a member by a link",
        tag=TAG,
        handler=join,
        role="open",
        body=JoinRequest,
        counted_as=link_of,
        answer=Session,
        status=201,
        errors=(
            *("invitation-over", "origin-refused", "email-invalid", "email-taken", "name-invalid", "language-unknown"),
            *("home-unknown", "login-wrong", "code-needed", "code-wrong", "session-ended", "too-many-attempts"),
            *PASSWORD_ERRORS,
        ),
        example={
            "token": EXAMPLE_LINK,
            "name": "Ben",
            "email": "ben@example.org",
            "password": "a long enough phrase",
        },
        answer_example=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/auth/password",
        summary="Set a new password by a link",
        tag=TAG,
        handler=set_password,
        role="open",
        body=ResetRequest,
        counted_as=link_of,
        errors=("invitation-over", "origin-refused", "too-many-attempts", *PASSWORD_ERRORS),
        description="A second factor stays: the next sign-in asks for its code.",
        example={"token": EXAMPLE_LINK, "password": "a long enough phrase"},
    ),
)
