"""Shares: who may what with which device, and giving and taking back."""

from bisect import bisect_left
from itertools import islice, product
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.api.paging import MOST, Cursor, Limit, PageQuery, page, read_cursor
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.types.devices import DeviceShare, DeviceShareList, HomeShare, HomeShareList, ShareRequest
from hub.auth.principal import Principal
from hub.auth.user import User
from hub.devices.device import Device
from hub.messages import HubError

TAG = "devices"
EXAMPLE = DeviceShare("77aa01b2c3d4e5f6", "Ben", "guest", "view", "view")
Place = tuple[str, str, str, str]


class SharesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """user: only this person's."""

    user: Annotated[str, Meta(max_length=40)] | None = None
    limit: Limit = MOST
    cursor: Cursor | None = None


def by_name(entry: Device | User) -> tuple[str, str]:
    """How both are sorted."""
    return entry.name.casefold(), entry.id


def _share(call: AnyCall, device: Device, member: User, given: str | None) -> dict[str, str | None]:
    principal = Principal(member.id, device.home, member.roles[device.home])
    return {
        "user": member.id,
        "name": member.name,
        "role": principal.role,
        "share": given,
        "right": call.services.registry.right(principal, device),
    }


def _device_share(call: AnyCall, device: Device, member: User, given: str | None) -> DeviceShare:
    return msgspec.convert(_share(call, device, member, given), DeviceShare)


def _member(call: AnyCall, device: Device) -> User:
    """The person in the path. Raises HubError("user-unknown")."""
    user = call.services.people.user(call.path("user"))
    if user is None or device.home not in user.roles:
        raise HubError("user-unknown", user=call.path("user"))
    return user


async def list_all_shares(call: Call[SharesQuery, None]) -> HomeShareList:
    """GET /shares"""
    registry, principal, wanted = call.services.registry, call.principal, call.query.user
    managed = [device for device in registry.list(principal) if registry.right(principal, device) == "manage"]
    members = [user for user in call.services.people.members(principal.home) if wanted in (None, user.id)]
    members.sort(key=by_name)

    def place(pair: tuple[Device, User]) -> Place:
        return (*by_name(pair[0]), *by_name(pair[1]))

    if call.query.cursor is not None:
        managed = managed[bisect_left(managed, read_cursor(call.query.cursor, Place)[:2], key=by_name) :]
    # Of all pairs, of which there may be tens of thousands, only those are made that this page can hold.
    pairs = islice(product(managed, members), len(members) + call.query.limit + 1)
    shown, following = page(pairs, call.query, place, Place)
    held = {device.id: registry.shares(principal, device.id) for device, _ in shown}
    items = [
        {"device": device.id, **_share(call, device, member, held[device.id].get(member.id))}
        for device, member in shown
    ]
    return HomeShareList(msgspec.convert(items, list[HomeShare]), following)


async def list_shares(call: Call[PageQuery, None]) -> DeviceShareList:
    """GET /devices/{device}/shares"""
    registry, principal = call.services.registry, call.principal
    device = registry.get(principal, call.path("device"))
    held = registry.shares(principal, device.id)
    shown, following = page(call.services.people.members(device.home), call.query, by_name)
    return DeviceShareList([_device_share(call, device, user, held.get(user.id)) for user in shown], following)


async def share_device(call: Call[NoQuery, ShareRequest]) -> DeviceShare:
    """PUT /devices/{device}/shares/{user}"""
    registry, device = call.services.registry, call.services.registry.get(call.principal, call.path("device"))
    member = _member(call, device)
    await registry.share(call.principal, device.id, member.id, call.body.right)
    return _device_share(call, device, member, call.body.right)


async def unshare_device(call: AnyCall) -> None:
    """DELETE /devices/{device}/shares/{user}"""
    registry, device = call.services.registry, call.services.registry.get(call.principal, call.path("device"))
    await registry.share(call.principal, device.id, _member(call, device).id, None)


ROUTES = (
    Route(
        method="GET",
        path="/shares",
        summary="Who may what with the devices that you may manage",
        tag=TAG,
        handler=list_all_shares,
        role="user",
        scope="manage",
        query=SharesQuery,
        answer=HomeShareList,
        description="Every member of the home with every such device, by the device's name: what was given and what "
        "comes of it. `user`: only this person's.",
        answer_example=HomeShareList(
            [HomeShare("77aa01b2c3d4e5f6", "Ben", "guest", "view", "view", "5b1c9a2e77f04d13")]
        ),
    ),
    Route(
        method="GET",
        path="/devices/{device}/shares",
        summary="Who may what with a device",
        tag=TAG,
        handler=list_shares,
        role="user",
        device="manage",
        scope="manage",
        query=PageQuery,
        answer=DeviceShareList,
        description="Every member of the home, with what was given and what comes of it.",
        answer_example=DeviceShareList([EXAMPLE]),
    ),
    Route(
        method="PUT",
        path="/devices/{device}/shares/{user}",
        summary="Give somebody of the home a right on a device",
        tag=TAG,
        handler=share_device,
        role="user",
        device="manage",
        body=ShareRequest,
        answer=DeviceShare,
        errors=("user-unknown",),
        description="It stands in place of what their role gives without a share; a guest never gets more than view.",
        example=ShareRequest("view"),
        answer_example=EXAMPLE,
    ),
    Route(
        method="DELETE",
        path="/devices/{device}/shares/{user}",
        summary="Take a right on a device back",
        tag=TAG,
        handler=unshare_device,
        role="user",
        device="manage",
        errors=("user-unknown",),
        description="What their role gives holds again.",
    ),
)
