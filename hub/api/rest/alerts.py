"""Alerts: list with their states, add, change, remove."""

import msgspec

from hub.alerts import Alert as Stored
from hub.alerts import Ended
from hub.alerts.notice import ended, fires
from hub.api.paging import PageQuery, page
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.shown import as_shown
from hub.api.types.alerts import (
    AddAlertRequest,
    Alert,
    AlertList,
    AlertQuery,
    ChangeAlertRequest,
    EndedAlert,
    EndedAlertList,
)
from hub.messages import render

TAG = "alerts"
EXAMPLE = Alert(
    id="1f7e6b20d9c853a4",
    device="5b1c9a2e77f04d13",
    channel=0,
    name="Heater left on",
    kind="power_above",
    threshold=1500.0,
    hold_s=600,
    enabled=True,
    author="77aa01b2c3d4e5f6",
    may_change=True,
    state="firing",
    since=1764000000000,
    detail="Heater has drawn more than 1,500 W for 10 min, now 1,984 W.",
)


def _view(call: AnyCall, alert: Stored) -> Alert:
    services = call.services
    standing = services.watch.standing(alert)
    device = services.registry.device(alert.device)
    detail = None
    if standing.state == "firing" and device is not None:
        after = max(0, services.clock.now() - (standing.since or 0)) / 1000
        detail = render(fires(alert, device, standing.watts, after=after), call.language)
    return as_shown(
        alert,
        Alert,
        may_change=services.alerts.may_change(call.principal, alert),
        state=standing.state,
        since=standing.since,
        detail=detail,
    )


async def list_alerts(call: Call[AlertQuery, None]) -> AlertList:
    """GET /alerts"""
    services, query = call.services, call.query
    found = [
        alert
        for alert in services.alerts.list(call.principal, query.device)
        if query.state in (None, services.watch.standing(alert).state)
    ]
    shown, following = page(found, query, lambda one: (one.created, one.id), tuple[int, str])
    return AlertList([_view(call, alert) for alert in shown], following)


def _ended_view(call: AnyCall, one: Ended) -> EndedAlert:
    device = call.services.registry.get(call.principal, one.device)
    said = ended(one.kind, device, one.channel, max(0, one.ended - one.began) / 1000)
    return as_shown(one, EndedAlert, detail=render(said, call.language))


async def list_ended_alerts(call: Call[PageQuery, None]) -> EndedAlertList:
    """GET /alerts/ended"""
    found = call.services.past.list(call.principal)
    shown, following = page(found, call.query, lambda one: (-one.ended, one.alert), tuple[int, str])
    return EndedAlertList([_ended_view(call, one) for one in shown], following)


async def add_alert(call: Call[NoQuery, AddAlertRequest]) -> Alert:
    """POST /alerts"""
    return _view(call, await call.services.alerts.add(call.principal, **msgspec.structs.asdict(call.body)))


async def change_alert(call: Call[NoQuery, ChangeAlertRequest]) -> Alert:
    """PATCH /alerts/{alert}"""
    changed = await call.services.alerts.change(call.principal, call.path("alert"), **call.body.sent())
    return _view(call, changed)


async def remove_alert(call: AnyCall) -> None:
    """DELETE /alerts/{alert}"""
    await call.services.alerts.remove(call.principal, call.path("alert"))


ROUTES = (
    Route(
        method="GET",
        path="/alerts",
        summary="The alerts of the devices that you may see and how they stand, the oldest first",
        tag=TAG,
        handler=list_alerts,
        role="guest",
        query=AlertQuery,
        answer=AlertList,
        answer_example=AlertList([EXAMPLE]),
    ),
    Route(
        method="GET",
        path="/alerts/ended",
        summary="What has fired and is over, of the devices that you may see, the newest first",
        tag=TAG,
        handler=list_ended_alerts,
        role="guest",
        query=PageQuery,
        answer=EndedAlertList,
        description="The last 50 of the home.",
        answer_example=EndedAlertList(
            [
                EndedAlert(
                    alert=EXAMPLE.id,
                    device=EXAMPLE.device,
                    channel=0,
                    name=EXAMPLE.name,
                    kind=EXAMPLE.kind,
                    threshold=EXAMPLE.threshold,
                    began=1764000000000,
                    ended=1764001500000,
                    detail="Heater: over after 25 min.",
                )
            ]
        ),
    ),
    Route(
        method="POST",
        path="/alerts",
        summary="Be told when an outlet draws too much or too little, or a plug is away",
        tag=TAG,
        handler=add_alert,
        role="user",
        body=AddAlertRequest,
        answer=Alert,
        status=201,
        errors=(
            *("device-unknown", "channel-unknown", "name-invalid", "alerts-too-many"),
            *("alert-threshold-missing", "alert-threshold-needless"),
        ),
        description="Needs the right to control the device. It fires when it was so for `hold_s` without a break, and "
        "ends when it was not so for as long, at least 10 s. Both are told in your language to every notifier that the "
        "hub has.",
        example=AddAlertRequest("5b1c9a2e77f04d13", "Heater left on", "power_above", 1500.0, 600),
        answer_example=EXAMPLE,
    ),
    Route(
        method="PATCH",
        path="/alerts/{alert}",
        summary="Change an alert, or switch it on or off",
        tag=TAG,
        handler=change_alert,
        role="user",
        body=ChangeAlertRequest,
        answer=Alert,
        errors=("alert-unknown", "name-invalid", "alert-threshold-needless"),
        description="Your own with the right to control the device, another's with the right to manage it.",
        example={"name": "Heater forgotten", "hold_s": 900},
        answer_example=EXAMPLE,
    ),
    Route(
        method="DELETE",
        path="/alerts/{alert}",
        summary="Remove an alert",
        tag=TAG,
        handler=remove_alert,
        role="user",
        errors=("alert-unknown",),
        description="Your own, or another's with the right to manage the device.",
    ),
)
