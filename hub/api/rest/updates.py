"""New versions: what is known, asking for it now, and whether the hub may ask by itself."""

from hub.api.routing import AnyCall, Call, NoQuery, Route
from hub.api.types.system import NewVersion, UpdateRequest, UpdateState
from hub.messages import Message, render

TAG = "system"
REFUSED = (
    *("updates-no-source", "updates-clock", "updates-unreachable", "updates-status", "updates-too-large"),
    *("updates-unreadable", "updates-signature-wrong", "updates-other-product"),
    *("updates-rolled-back", "updates-expired", "updates-ahead"),
)


async def update_state(call: AnyCall) -> UpdateState:
    """GET /system/updates"""
    return _state(call)


async def allow_updates(call: Call[NoQuery, UpdateRequest]) -> UpdateState:
    """PATCH /system/updates"""
    updates, audit = call.services.updates, call.services.identity.audit
    before = updates.check
    await updates.allow(call.body.check)
    if updates.check != before:
        await audit.record(call.principal, "updates.change", before={"check": before}, after={"check": updates.check})
    return _state(call)


async def ask_for_updates(call: AnyCall) -> UpdateState:
    """POST /system/updates/check"""
    await call.services.updates.ask()
    return _state(call)


def _state(call: AnyCall) -> UpdateState:
    updates, newest = call.services.updates, call.services.updates.newest
    view = None
    if newest is not None:
        id = "updates-urgent" if newest.security else "updates-available"
        detail = render(Message(id, {"version": newest.version, "now": updates.version}), call.language)
        view = NewVersion(*newest, detail)
    return UpdateState(
        version=updates.version,
        firmware=call.services.firmware,
        check=updates.check,
        declared=updates.declared,
        source=updates.source,
        asking=updates.asking,
        asked=updates.asked,
        detail=None if updates.failure is None else render(updates.failure, call.language),
        newest=view,
    )


EXAMPLE = UpdateState(
    version="1.2.0",
    firmware="1.2.0",
    check=True,
    declared=False,
    source="releases.example",
    asking=False,
    asked=1764000000000,
    detail=None,
    newest=NewVersion(
        version="1.4.0",
        security=False,
        notes="https://releases.example/1.4.0",
        issued=1763900000000,
        detail="Version 1.4.0 is out; this hub is 1.2.0.",
    ),
)
ROUTES = (
    Route(
        method="GET",
        path="/system/updates",
        summary="Is there a newer version?",
        tag=TAG,
        handler=update_state,
        role="operator",
        answer=UpdateState,
        answer_example=EXAMPLE,
        description="As of the last answer; nobody is asked for it.",
    ),
    Route(
        method="PATCH",
        path="/system/updates",
        summary="May the hub ask once a day which version is the newest?",
        tag=TAG,
        handler=allow_updates,
        role="operator",
        body=UpdateRequest,
        answer=UpdateState,
        errors=("updates-declared", "updates-no-source"),
        example=UpdateRequest(check=True),
        answer_example=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/system/updates/check",
        summary="Ask now which version is the newest",
        tag=TAG,
        handler=ask_for_updates,
        role="operator",
        answer=UpdateState,
        errors=REFUSED,
        answer_example=EXAMPLE,
        description="One request to the address that stands in configuration.yaml. It is the same from every hub.",
    ),
)
