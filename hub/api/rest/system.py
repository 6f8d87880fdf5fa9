"""What the hub says of itself: its state, its open problems, its plugins."""

from typing import Literal, cast

from hub.api.routing import AnyCall, Route
from hub.api.security import is_forwarded, peer_address
from hub.api.types import PluginList, PluginView, ProblemList, ProblemView, SystemInfo

PRODUCT = "Smart Plug AI"
TAG = "system"


async def system_info(call: AnyCall) -> SystemInfo:
    """GET /system/info"""
    services = call.services
    state = services.setup.state(peer_address(call.request), is_forwarded(call.request))
    return SystemInfo(
        name=PRODUCT,
        version=services.version,
        setup=cast(Literal["open", "code", "done"], state),
        setup_closes=services.setup.closes() if state == "open" else None,
        demo=services.demo,
    )


async def list_problems(call: AnyCall) -> ProblemList:
    """GET /system/problems"""
    return ProblemList(call.services.problems.list(call.language))


async def list_plugins(call: AnyCall) -> PluginList:
    """GET /plugins"""
    return PluginList(call.services.plugins(call.language))


ROUTES = (
    Route(
        method="GET",
        path="/system/info",
        summary="What anyone may know of this hub",
        tag=TAG,
        handler=system_info,
        role="open",
        answer=SystemInfo,
        answer_example=SystemInfo(PRODUCT, "0.1.0", "done", None, demo=False),
    ),
    Route(
        method="GET",
        path="/system/problems",
        summary="What is wrong now",
        tag=TAG,
        handler=list_problems,
        role="admin",
        answer=ProblemList,
        answer_example=ProblemList([ProblemView("clock-uncertain", "The hub does not know the time.", 1764000000000)]),
    ),
    Route(
        method="GET",
        path="/plugins",
        summary="The plugins and how they are",
        tag=TAG,
        handler=list_plugins,
        role="admin",
        answer=PluginList,
        answer_example=PluginList([PluginView("sqlite", "loaded", ["history_store"])]),
    ),
)
