"""What the hub says of itself: its state, its open problems, its plugins."""

from typing import Literal, cast

from hub.api.paging import PageQuery, page
from hub.api.routing import AnyCall, Call, Route
from hub.api.security import is_forwarded, peer_address
from hub.api.types.system import (
    BrokerStats,
    PluginErrors,
    PluginList,
    PluginView,
    ProblemList,
    ProblemView,
    RejectCount,
    RejectList,
    RejectView,
    SystemInfo,
)
from hub.history.inspection import HistoryCheck, HistoryStats

PRODUCT = "Smart Plug AI"
TAG = "system"
UNKNOWN = "unknown"  # devices that are in no registry


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


async def list_problems(call: Call[PageQuery, None]) -> ProblemList:
    """GET /system/problems"""
    found = call.services.problems.list(call.language)
    shown, following = page(found, call.query, lambda problem: (problem.since, problem.id), tuple[int, str])
    return ProblemList([*shown], following)


async def list_rejects(call: AnyCall) -> RejectList:
    """GET /system/rejects"""
    services = call.services
    seen = {device.id for device in services.registry.list(call.principal)} | {UNKNOWN}
    counts = {**services.rejects.counts, **{(device, "counter"): n for device, n in services.care.dropped.items()}}
    newest = [reject for reject in services.rejects.newest() if reject.device in seen]
    return RejectList(
        [RejectCount(*key, count) for key, count in sorted(counts.items()) if key[0] in seen],
        [RejectView(each.at, each.device, each.reason, each.detail, each.payload) for each in newest],
    )


async def broker_stats(call: AnyCall) -> BrokerStats:
    """GET /system/broker"""
    counts = call.services.broker_stats()

    def by_reason(what: str) -> dict[str, int]:
        names = sorted(name for name in counts if name.startswith(what))
        return {name.removeprefix(what): counts.pop(name) for name in names}

    return BrokerStats(
        connections=counts.pop("connections", 0),
        plugs=counts.pop("plugs", 0),
        clients=counts.pop("clients", None),
        received=counts.pop("received", 0),
        refused=by_reason("refused:"),
        dropped=by_reason("dropped:"),
        throttled=counts.pop("throttled", 0),
        further=counts,
    )


async def history_stats(call: AnyCall) -> HistoryStats:
    """GET /system/history"""
    return await call.services.care.stats()


async def check_history(call: AnyCall) -> HistoryCheck:
    """POST /system/history/check"""
    checked = await call.services.care.check()
    await call.services.identity.audit.record(call.principal, "history.check")
    return checked


async def confirm_time(call: AnyCall) -> None:
    """POST /system/time/confirm"""
    await call.services.care.confirm_time()
    await call.services.identity.audit.record(call.principal, "time.confirm")


async def list_plugins(call: Call[PageQuery, None]) -> PluginList:
    """GET /plugins"""
    found = call.services.plugins(call.language)
    shown, following = page(found, call.query, lambda plugin: (plugin.name,), tuple[str])
    return PluginList([*shown], following)


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
        role="operator",
        query=PageQuery,
        answer=ProblemList,
        answer_example=ProblemList([ProblemView("clock-uncertain", "The hub does not know the time.", 1764000000000)]),
    ),
    Route(
        method="GET",
        path="/system/rejects",
        summary="What devices sent that could not be used",
        tag=TAG,
        handler=list_rejects,
        role="operator",
        answer=RejectList,
        answer_example=RejectList(
            [RejectCount("dev_7Q2K", "range", 3)],
            [RejectView(1764000000000, "dev_7Q2K", "range", "voltage is 612.0", '{"voltage":612.0}')],
        ),
    ),
    Route(
        method="GET",
        path="/system/broker",
        summary="What the MQTT broker has counted since the start",
        tag=TAG,
        handler=broker_stats,
        role="operator",
        answer=BrokerStats,
        answer_example=BrokerStats(
            connections=7,
            plugs=5,
            clients=2,
            received=432000,
            refused={"login": 3},
            dropped={"away": 12},
            throttled=0,
            further={"filters": 9, "sessions": 2, "retained": 41},
        ),
    ),
    Route(
        method="GET",
        path="/system/history",
        summary="What history holds",
        tag=TAG,
        handler=history_stats,
        role="operator",
        answer=HistoryStats,
        errors=("history-unreadable",),
        answer_example=HistoryStats(
            outlets=5,
            samples=3024000,
            raw_bytes=2600000,
            buckets={"1m": 216000, "15m": 175200},
            bucket_bytes={"1m": 700000, "15m": 600000},
            file_bytes=4100000,
            bytes_per_sample=1.356,
            log_records=42,
            log_bytes=60000,
            log_file_bytes=262144,
            log_damaged=0,
            damaged=[],
            aside=[],
            gaps={"power_lost": 3},
        ),
    ),
    Route(
        method="POST",
        path="/system/history/check",
        summary="Read all of history and compare it",
        tag=TAG,
        handler=check_history,
        role="operator",
        answer=HistoryCheck,
        errors=("history-unreadable", "history-rebuilding"),
        answer_example=HistoryCheck(samples=3024000, buckets=391200, log_records=42),
    ),
    Route(
        method="POST",
        path="/system/time/confirm",
        summary="The hub's time is right, although it lies behind what it was before",
        tag=TAG,
        handler=confirm_time,
        role="operator",
        status=204,
        errors=("history-unreadable",),
    ),
    Route(
        method="GET",
        path="/plugins",
        summary="The plugins and how they are",
        tag=TAG,
        handler=list_plugins,
        role="operator",
        query=PageQuery,
        answer=PluginList,
        answer_example=PluginList([PluginView("sqlite", "loaded", ["history_store"], errors=PluginErrors())]),
    ),
)
