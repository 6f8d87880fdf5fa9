"""Notifiers: which there are and how delivery goes; a test message."""

from hub.alerts import Record
from hub.api.paging import PageQuery, page
from hub.api.routing import AnyCall, Call, Route
from hub.api.types.alerts import NotifierList, NotifierView
from hub.messages import Message, render
from hub.plugins.contract import Notification

TAG = "alerts"
EXAMPLE = NotifierView("ntfy", 1764000000000, 1763990000000, "The ntfy server https://ntfy.sh did not answer: 8 s.")


def _view(call: AnyCall, name: str, record: Record) -> NotifierView:
    detail = None if record.reason is None else render(record.reason, call.language)
    return NotifierView(name, record.delivered, record.failed, detail)


async def list_notifiers(call: Call[PageQuery, None]) -> NotifierList:
    """GET /notifiers"""
    records = call.services.delivery.records()
    names, following = page(records, call.query, lambda name: (name,), tuple[str])
    return NotifierList([_view(call, name, records[name]) for name in names], following)


async def test_notifier(call: AnyCall) -> NotifierView:
    """POST /notifiers/{notifier}/test"""
    services, name = call.services, call.path("notifier")
    title = render(Message("notifier-test-title"), call.language)
    text = render(Message("notifier-test", {"home": services.homes.first.name}), call.language)
    await services.delivery.test(name, Notification(title, text))
    await services.identity.audit.record(call.principal, "notifier.test", name)
    return _view(call, name, services.delivery.records()[name])


ROUTES = (
    Route(
        method="GET",
        path="/notifiers",
        summary="What tells people of alerts, and how that went since the hub's start",
        tag=TAG,
        handler=list_notifiers,
        role="operator",
        query=PageQuery,
        answer=NotifierList,
        answer_example=NotifierList([EXAMPLE]),
        description="Each of them is set up in the configuration.",
    ),
    Route(
        method="POST",
        path="/notifiers/{notifier}/test",
        summary="Send a test message",
        tag=TAG,
        handler=test_notifier,
        role="operator",
        answer=NotifierView,
        errors=("notifier-unknown", "notifier-failed"),
        description="It is tried once; why it did not arrive is in the answer.",
        answer_example=EXAMPLE,
    ),
)
