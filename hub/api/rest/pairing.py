"""Pairing: wait for a plug that knows the code on its label, see how far it is, stop waiting; replace a dead plug."""

from hub.api.paging import PageQuery, page
from hub.api.pairings import pairing_view
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.security import peer_address
from hub.api.types.pairing import Pairing, PairingList, ReplaceDeviceRequest

TAG = "pairing"
EXAMPLE = Pairing(
    id="0c94a1be77d2f350",
    hardware_id="plug-7c2f11",
    name="Kettle",
    state="waiting",
    opened=1764000000000,
    expires=1764000600000,
    tries_left=5,
)
OPENING = (
    *("pairing-code-invalid", "pairing-label-other", "pairing-busy", "pairing-too-many", "pairing-own-broker"),
    "hardware-id-taken",
)
"""What may be said when a window is opened."""


async def open_window(
    call: AnyCall,
    hardware_id: str,
    code: str,
    *,
    name: str,
    room: str | None = None,
    icon: str = "plug",
    replace: str | None = None,
) -> Pairing:
    """Wait for a plug. Raises what the pairing service does, and HubError("requests-too-many")."""
    services, principal = call.services, call.principal
    if services.pairing_limits is not None and principal.role != "system":
        services.pairing_limits.take(principal.user, write=True)
        services.pairing_limits.take(f"from {peer_address(call.request)}", write=True)
    window = await services.pairing.open(
        principal, hardware_id=hardware_id, name=name, code=code, room=room, icon=icon, replace=replace
    )
    await services.identity.audit.record(
        principal, "pairing.open", window.replaces, after={"hardware_id": hardware_id, "name": window.name}
    )
    return pairing_view(window, call.language)


async def list_pairings(call: Call[PageQuery, None]) -> PairingList:
    """GET /pairings"""
    service = call.services.pairing
    windows, following = page(
        service.list(call.principal), call.query, lambda window: (window.opened, window.id), tuple[int, str]
    )
    return PairingList([pairing_view(window, call.language) for window in windows], service.offered, following)


async def get_pairing(call: AnyCall) -> Pairing:
    """GET /pairings/{pairing}"""
    return pairing_view(call.services.pairing.state(call.principal, call.path("pairing")), call.language)


async def cancel_pairing(call: AnyCall) -> Pairing:
    """DELETE /pairings/{pairing}"""
    services, asked = call.services, call.path("pairing")
    waited = services.pairing.state(call.principal, asked).state
    window = services.pairing.cancel(call.principal, asked)
    if window.state != waited:
        told = {"hardware_id": window.hardware_id, "name": window.name}
        await services.identity.audit.record(call.principal, "pairing.cancel", window.replaces, before=told)
    return pairing_view(window, call.language)


async def replace_device(call: Call[NoQuery, ReplaceDeviceRequest]) -> Pairing:
    """POST /devices/{device}/replace"""
    device = call.services.registry.require(call.principal, call.path("device"), "manage")
    asked = call.body
    return await open_window(call, asked.hardware_id, asked.pairing_code, name=device.name, replace=device.id)


ROUTES = (
    Route(
        method="GET",
        path="/pairings",
        summary="Plugs that are waited for, and those of late",
        tag=TAG,
        handler=list_pairings,
        role="user",
        query=PageQuery,
        answer=PairingList,
        description="Your own; for an admin all of the home's.",
        answer_example=PairingList([EXAMPLE]),
    ),
    Route(
        method="GET",
        path="/pairings/{pairing}",
        summary="How far a plug is",
        tag=TAG,
        handler=get_pairing,
        role="user",
        answer=Pairing,
        errors=("pairing-unknown",),
        description="Each step also comes as a `pairing` frame of the WebSocket to whoever opened it.",
        answer_example=EXAMPLE,
    ),
    Route(
        method="DELETE",
        path="/pairings/{pairing}",
        summary="Stop waiting for a plug",
        tag=TAG,
        handler=cancel_pairing,
        role="user",
        answer=Pairing,
        errors=("pairing-unknown",),
        description="Answers how it ended; one that is over stays as it is.",
        answer_example=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/devices/{device}/replace",
        summary="Put a new plug in the place of a dead one",
        tag=TAG,
        handler=replace_device,
        role="user",
        device="manage",
        body=ReplaceDeviceRequest,
        answer=Pairing,
        status=202,
        errors=OPENING,
        description="The device, its name and its history go on once the new plug has proved that it knows the code on "
        "its label. It must have as many outlets.",
        example=ReplaceDeviceRequest("plug-7c2f11", "K7QM-2XPA-9D4T-HV3N"),
        answer_example=EXAMPLE,
    ),
)
