"""Schedules: list, add, change, remove."""

import msgspec

from hub.api.paging import page
from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.shown import as_shown
from hub.api.types.schedules import (
    AddScheduleRequest,
    ChangeScheduleRequest,
    Schedule,
    ScheduleList,
    ScheduleQuery,
    ScheduleRun,
)
from hub.automation import Run
from hub.automation import Schedule as Stored
from hub.messages import Message, render

TAG = "schedules"
EXAMPLE = Schedule(
    id="8c41d0a2b97f3e65",
    device="5b1c9a2e77f04d13",
    channel=0,
    name="Boiler in the morning",
    days=[0, 1, 2, 3, 4],
    time="06:30",
    command="relay_on",
    enabled=True,
    author="77aa01b2c3d4e5f6",
    may_change=True,
    next=1764135000000,
    last=ScheduleRun(1764048600000, "confirmed"),
)
REASONS = {
    "missed": Message("schedule-missed"),
    "right-lost": Message("schedule-right-lost"),
    "refused": Message("schedule-refused"),
    "unconfirmed": Message("schedule-unconfirmed"),
}


def _run(run: Run | None, language: str) -> ScheduleRun | None:
    if run is None:
        return None
    reason = run.reason or REASONS.get(run.outcome)
    detail = None if reason is None else render(reason, language)
    return msgspec.convert({"at": run.at, "outcome": run.outcome, "detail": detail}, ScheduleRun)


def _view(call: AnyCall, schedule: Stored) -> Schedule:
    runner, schedules = call.services.runner, call.services.schedules
    return as_shown(
        schedule,
        Schedule,
        may_change=schedules.may_change(call.principal, schedule),
        next=runner.next(schedule),
        last=_run(runner.last(schedule), call.language),
    )


async def list_schedules(call: Call[ScheduleQuery, None]) -> ScheduleList:
    """GET /schedules"""
    found = call.services.schedules.list(call.principal, call.query.device)
    shown, following = page(found, call.query, lambda one: (one.created, one.id), tuple[int, str])
    return ScheduleList([_view(call, schedule) for schedule in shown], following)


async def add_schedule(call: Call[NoQuery, AddScheduleRequest]) -> Schedule:
    """POST /schedules"""
    return _view(call, await call.services.schedules.add(call.principal, **msgspec.structs.asdict(call.body)))


async def change_schedule(call: Call[NoQuery, ChangeScheduleRequest]) -> Schedule:
    """PATCH /schedules/{schedule}"""
    changed = await call.services.schedules.change(call.principal, call.path("schedule"), **call.body.sent())
    return _view(call, changed)


async def remove_schedule(call: AnyCall) -> None:
    """DELETE /schedules/{schedule}"""
    await call.services.schedules.remove(call.principal, call.path("schedule"))


ROUTES = (
    Route(
        method="GET",
        path="/schedules",
        summary="The schedules of the devices that you may see, the oldest first",
        tag=TAG,
        handler=list_schedules,
        role="guest",
        query=ScheduleQuery,
        answer=ScheduleList,
        answer_example=ScheduleList([EXAMPLE]),
    ),
    Route(
        method="POST",
        path="/schedules",
        summary="Switch an outlet at a time of certain days",
        tag=TAG,
        handler=add_schedule,
        role="user",
        body=AddScheduleRequest,
        answer=Schedule,
        status=201,
        errors=("device-unknown", "channel-unknown", "name-invalid", "always-on", "schedules-too-many"),
        description="Needs the right to control the device. It runs with your rights, checked again at each run: once "
        "you have lost them, it is switched off. A plug that is “always on” is never switched off by a schedule.",
        example=AddScheduleRequest("5b1c9a2e77f04d13", "Boiler in the morning", [0, 1, 2, 3, 4], "06:30", "relay_on"),
        answer_example=EXAMPLE,
    ),
    Route(
        method="PATCH",
        path="/schedules/{schedule}",
        summary="Change a schedule, or switch it on or off",
        tag=TAG,
        handler=change_schedule,
        role="user",
        body=ChangeScheduleRequest,
        answer=Schedule,
        errors=("schedule-unknown", "name-invalid", "always-on"),
        description="Your own with the right to control the device, another's with the right to manage it.",
        example={"time": "07:00", "enabled": True},
        answer_example=EXAMPLE,
    ),
    Route(
        method="DELETE",
        path="/schedules/{schedule}",
        summary="Remove a schedule",
        tag=TAG,
        handler=remove_schedule,
        role="user",
        errors=("schedule-unknown",),
        description="Your own, or another's with the right to manage the device.",
    ),
)
