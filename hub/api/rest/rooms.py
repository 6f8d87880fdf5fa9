"""Rooms: list, add, rename, put in order, remove."""

from hub.api.paging import PageQuery, page
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.types.rooms import AddRoomRequest, ChangeRoomRequest, Room, RoomList
from hub.devices.rooms import Room as Stored

TAG = "rooms"
EXAMPLE = Room("6d2f81c07ab35e94", "Laundry", 2, ["5b1c9a2e77f04d13"])


def _view(room: Stored, devices: dict[str | None, list[str]]) -> Room:
    return Room(room.id, room.name, room.position, devices.get(room.name, []))


def _seen(call: AnyCall) -> dict[str | None, list[str]]:
    """The devices that the asker may see, by the name of their room."""
    found: dict[str | None, list[str]] = {}
    for device in call.services.registry.list(call.principal):
        found.setdefault(device.room, []).append(device.id)
    return found


async def list_rooms(call: Call[PageQuery, None]) -> RoomList:
    """GET /rooms"""
    rooms, following = page(
        call.services.registry.rooms.list(call.principal),
        call.query,
        lambda room: (room.position, room.id),
        tuple[int, str],
    )
    devices = _seen(call)
    return RoomList([_view(room, devices) for room in rooms], following)


async def add_room(call: Call[NoQuery, AddRoomRequest]) -> Room:
    """POST /rooms"""
    return _view(await call.services.registry.rooms.add(call.principal, call.body.name), {})


async def change_room(call: Call[NoQuery, ChangeRoomRequest]) -> Room:
    """PATCH /rooms/{room}"""
    room = await call.services.registry.rooms.change(call.principal, call.path("room"), **call.body.sent())
    return _view(room, _seen(call))


async def remove_room(call: AnyCall) -> None:
    """DELETE /rooms/{room}"""
    await call.services.registry.rooms.remove(call.principal, call.path("room"))


ROUTES = (
    Route(
        method="GET",
        path="/rooms",
        summary="The rooms of the home, in their order",
        tag=TAG,
        handler=list_rooms,
        role="guest",
        query=PageQuery,
        answer=RoomList,
        description="Guests see those with a device that they may see.",
        answer_example=RoomList([EXAMPLE]),
    ),
    Route(
        method="POST",
        path="/rooms",
        summary="Add a room",
        tag=TAG,
        handler=add_room,
        role="user",
        body=AddRoomRequest,
        answer=Room,
        status=201,
        errors=("name-invalid", "room-name-taken", "rooms-too-many"),
        description="A device that names a new room makes it, too.",
        example=AddRoomRequest("Laundry"),
        answer_example=EXAMPLE,
    ),
    Route(
        method="PATCH",
        path="/rooms/{room}",
        summary="Rename a room, or give it another place among the others",
        tag=TAG,
        handler=change_room,
        role="admin",
        body=ChangeRoomRequest,
        answer=Room,
        errors=("home-room-unknown", "name-invalid", "room-name-taken"),
        description="Its devices name it anew in the same moment.",
        example={"name": "Utility room", "position": 0},
        answer_example=EXAMPLE,
    ),
    Route(
        method="DELETE",
        path="/rooms/{room}",
        summary="Take a room away",
        tag=TAG,
        handler=remove_room,
        role="admin",
        errors=("home-room-unknown",),
        description="Its devices stay and are in no room.",
    ),
)
