"""Devices: list, add, change, remove, command, and what mDNS found."""

import msgspec
from aiohttp import web

from hub.api.paging import PageQuery, page
from hub.api.rest.pairing import EXAMPLE as EXAMPLE_PAIRING
from hub.api.rest.pairing import OPENING, open_window
from hub.api.routing import AnyCall, Call, NoQuery, Route, respond
from hub.api.types.devices import (
    AddDeviceRequest,
    AddedDevice,
    ChangeDeviceRequest,
    CommandRequest,
    CommandResult,
    Device,
    DeviceList,
    DeviceRetention,
    FoundDevice,
    FoundList,
    LiveValue,
    Outlet,
)
from hub.api.types.pairing import Pairing
from hub.auth.principal import Principal
from hub.broker.interface import Login
from hub.devices.device import Device as Registered
from hub.messages import HubError

TAG = "devices"

EXAMPLE = Device(
    id="5b1c9a2e77f04d13",
    hardware_id="demo-washing-machine",
    key="washing-machine",
    name="Washing machine",
    room="Laundry",
    icon="wash-machine",
    color=1,
    driver="smartplug",
    model="smartplug-1",
    firmware="1.0.0",
    rssi=-61,
    online=True,
    online_since=1764000000000,
    interval_ms=1000,
    always_on=False,
    private=False,
    right="manage",
    channels=[
        Outlet(
            channel=0,
            name=None,
            on=True,
            live=LiveValue(1764000123000, 512.4, 230.1, 2.24, 0.99, energy_today_kwh=0.41),
            max_power_w=2300,
        )
    ],
    room_id="6d2f81c07ab35e94",
)


def _view(call: AnyCall, device: Registered, principal: Principal) -> Device:
    return call.services.views.view(device, call.services.registry.right(principal, device))


def by_name(entry: Registered) -> tuple[str, str]:
    """How lists are sorted and paged through."""
    return entry.name.casefold(), entry.id


async def list_devices(call: Call[PageQuery, None]) -> DeviceList:
    """GET /devices"""
    principal, registry, views = call.principal, call.services.registry, call.services.views
    devices, following = page(registry.list(principal), call.query, by_name)
    return DeviceList([views.view(device, registry.right(principal, device)) for device in devices], following)


async def add_device(call: Call[NoQuery, AddDeviceRequest]) -> AddedDevice | web.Response:
    """POST /devices"""
    asked, services = call.body, call.services
    hardware_id = named(asked)
    if asked.pairing_code is not None:
        window = await open_window(
            call, hardware_id, asked.pairing_code, name=asked.name, room=asked.room, icon=asked.icon
        )
        return respond(call.request, window, 202, call.reply_headers)
    if asked.driver not in services.drivers:
        raise HubError("driver-missing", field="driver", driver=asked.driver)
    fields = {name: getattr(asked, name) for name in ("name", "driver", "room", "icon", "channels")}
    device, secret = await services.registry.add(call.principal, hardware_id=hardware_id, **fields)
    lines = services.login_lines(Login("plug", device.hardware_id), secret)
    return AddedDevice(_view(call, device, call.principal), secret, lines)


def named(asked: AddDeviceRequest) -> str:
    """The plug that a request names, by either word. Raises HubError("field-missing", "field-repeated")."""
    if asked.hardware_id is not None and asked.device_id is not None:
        raise HubError("field-repeated", field="device_id", name="device_id")
    given = asked.hardware_id or asked.device_id
    if given is None:
        raise HubError("field-missing", field="hardware_id", name="hardware_id")
    return given


async def renew_secret(call: AnyCall) -> AddedDevice:
    """POST /devices/{device}/secret"""
    services = call.services
    secret = await services.registry.new_secret(call.principal, call.path("device"))
    device = services.registry.get(call.principal, call.path("device"))
    lines = services.login_lines(Login("plug", device.hardware_id), secret)
    return AddedDevice(_view(call, device, call.principal), secret, lines)


async def found_devices(call: Call[PageQuery, None]) -> FoundList:
    """GET /devices/found"""
    found = sorted(call.services.discovery.found(), key=lambda plug: plug.hardware_id)
    shown, following = page(found, call.query, lambda plug: (plug.hardware_id,), tuple[str])
    return FoundList(call.services.views.found(shown), following)


async def get_device(call: AnyCall) -> Device:
    """GET /devices/{device}"""
    return _view(call, call.services.registry.get(call.principal, call.path("device")), call.principal)


async def change_device(call: Call[NoQuery, ChangeDeviceRequest]) -> Device:
    """PATCH /devices/{device}"""
    changes = call.body.sent()
    if "retention" in changes:
        asked = changes.pop("retention") or DeviceRetention()
        changes |= {f"keep_{tier}": days for tier, days in msgspec.structs.asdict(asked).items()}
    device = await call.services.registry.change(call.principal, call.path("device"), **changes)
    return _view(call, device, call.principal)


async def remove_device(call: AnyCall) -> None:
    """DELETE /devices/{device}"""
    await call.services.registry.remove(call.principal, call.path("device"))


async def command_device(call: Call[NoQuery, CommandRequest]) -> CommandResult:
    """POST /devices/{device}/command"""
    asked = call.body
    outcome = await call.services.commands.send(call.principal, call.path("device"), asked.command, asked.channel)
    if outcome.state == "confirmed":
        return CommandResult(outcome.id, "confirmed", outcome.on)
    if outcome.state == "refused":
        return CommandResult(outcome.id, "refused", outcome.on, outcome.error)
    raise HubError("command-unconfirmed", command=outcome.command)


ROUTES = (
    Route(
        method="GET",
        path="/devices",
        summary="The devices that you may see, by name",
        tag=TAG,
        handler=list_devices,
        role="guest",
        query=PageQuery,
        answer=DeviceList,
        answer_example=DeviceList([EXAMPLE]),
    ),
    Route(
        method="POST",
        path="/devices",
        summary="Add a plug: by the code on its label, or with a secret that is shown once",
        tag=TAG,
        handler=add_device,
        role="user",
        body=AddDeviceRequest,
        answer=AddedDevice,
        status=201,
        errors=(
            *("hardware-id-invalid", "hardware-id-taken", "name-invalid", "channels-invalid", "driver-missing"),
            "icon-unknown",
            *("rooms-too-many", "field-repeated"),
            *OPENING,
        ),
        description="With a `pairing_code` (the code on the label, or the text of its QR code) the answer is 202: for "
        "ten minutes the hub waits for a plug that knows this code, and `GET /pairings/{pairing}` says how far it is. "
        "Without one the device is there at once (201), and you enter its secret on the plug. One of `hardware_id` and "
        "`device_id`: they mean the same.",
        example=AddDeviceRequest(
            "Washing machine", hardware_id="demo-washing-machine", room="Laundry", icon="wash-machine"
        ),
        answer_example=AddedDevice(EXAMPLE, "0f" * 32),
        accepted=Pairing,
        accepted_example=EXAMPLE_PAIRING,
    ),
    Route(
        method="GET",
        path="/devices/found",
        summary="Plugs that announce themselves and are not added yet",
        tag=TAG,
        handler=found_devices,
        role="user",
        query=PageQuery,
        answer=FoundList,
        answer_example=FoundList([FoundDevice("plug-7c2f11", "Plug 7C2F", "smartplug-1", "192.168.1.40")]),
    ),
    Route(
        method="GET",
        path="/devices/{device}",
        summary="One device",
        tag=TAG,
        handler=get_device,
        role="guest",
        device="view",
        answer=Device,
        answer_example=EXAMPLE,
    ),
    Route(
        method="PATCH",
        path="/devices/{device}",
        summary="Change name, room, icon or limits",
        tag=TAG,
        handler=change_device,
        role="user",
        device="manage",
        body=ChangeDeviceRequest,
        answer=Device,
        errors=("channel-unknown", "name-invalid", "icon-unknown", "rooms-too-many"),
        description="Only the fields sent change; room and max_power_w can be null. `channel` says whose max_power_w. "
        "`retention` is set as a whole; what is left out or null of it, and all of it when it is null, is as the "
        "home's. What a shorter one forgets goes within a day and does not come back.",
        example={"name": "Washer", "max_power_w": 2300},
        answer_example=EXAMPLE,
    ),
    Route(
        method="DELETE",
        path="/devices/{device}",
        summary="Remove a device",
        tag=TAG,
        handler=remove_device,
        role="user",
        device="manage",
    ),
    Route(
        method="POST",
        path="/devices/{device}/secret",
        summary="Give a plug a new secret; it is shown once",
        tag=TAG,
        handler=renew_secret,
        role="user",
        device="manage",
        answer=AddedDevice,
        description="The plug is cut off until it has the new one.",
        answer_example=AddedDevice(EXAMPLE, "a3" * 32),
    ),
    Route(
        method="POST",
        path="/devices/{device}/command",
        summary="Switch, identify or restart a plug",
        tag=TAG,
        handler=command_device,
        role="guest",
        device="control",
        scope="control",
        body=CommandRequest,
        answer=CommandResult,
        errors=(
            "channel-unknown",
            "relay-unknown",
            "always-on",
            "device-offline",
            "driver-missing",
            "command-unconfirmed",
        ),
        description="Answers when the plug itself has confirmed or refused; 504 when it did neither within 5 s. "
        "A restart needs the right to manage.",
        example=CommandRequest("relay_on"),
        answer_example=CommandResult("c-1a2b3c4d5e6f", "confirmed", on=True),
    ),
)
