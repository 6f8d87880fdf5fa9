"""The same over TLS and over WebSocket as over TCP: a client against both brokers, a plug against the hub."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from tests.broker_conformance import (
    test_bad_packets,
    test_first_packet,
    test_messages,
    test_plugs,
    test_retained,
    test_sessions,
    test_streams,
    test_wills,
)
from tests.broker_conformance.differences import CLOSED
from tests.broker_conformance.outcomes import first_outcome, outcome
from tests.broker_conformance.sides import Side

Case = Callable[[Side], Coroutine[Any, Any, None]]

CASES: list[Case] = [
    partial(test_messages.test_a_message_comes_with_the_lower_qos, sent=2, asked=2),
    test_messages.test_a_message_of_qos_2_is_released_once,
    test_messages.test_acknowledgements_come_in_the_order_of_the_messages,
    test_messages.test_a_filter_that_a_login_may_not_hear_is_refused,
    test_messages.test_what_a_login_may_not_publish_is_acknowledged_and_goes_nowhere,
    partial(test_messages.test_payloads_of_every_size_of_length, length=16_384),
    partial(test_messages.test_payloads_of_every_size_of_length, length=100_000),
    test_messages.test_payloads_are_any_bytes,
    test_messages.test_what_comes_after_disconnect_is_not_processed,
    partial(test_retained.test_the_last_one_is_kept, qos=2),
    test_sessions.test_qos_1_is_sent_again_after_a_reconnect,
    test_sessions.test_qos_2_goes_on_where_it_was,
    test_sessions.test_qos_2_from_a_client_counts_once_over_a_reconnect,
    test_sessions.test_what_waits_and_what_is_new_come_in_order,
    partial(test_sessions.test_take_over_closes_the_old_connection, clean=False),
    test_sessions.test_take_over_in_the_middle_of_a_packet,
    partial(test_wills.test_a_will_is_sent_when_the_client_goes, how="reset", qos=1),
    partial(test_wills.test_a_will_is_sent_when_the_broker_closes, data=b"\xf0\0"),
    test_wills.test_no_will_after_disconnect,
    test_first_packet.test_what_follows_an_accepted_connect_at_once_is_processed,
    test_streams.test_a_client_is_understood_at_every_cut,
    test_streams.test_packets_back_to_back,
]
PLUGS: list[Case] = [
    partial(test_plugs.test_what_a_plug_publishes, sent=1, asked=1),
    partial(test_plugs.test_what_a_plug_is_sent, qos=1),
    test_plugs.test_qos_2_of_a_plug_counts_once,
    test_plugs.test_take_over,
    partial(test_plugs.test_a_plugs_will, data=b"\xf0\0"),
    partial(test_plugs.test_a_plugs_will, data=None),
    test_plugs.test_no_will_of_a_plug_that_says_goodbye,
    test_plugs.test_a_plugs_keepalive,
    partial(test_streams.test_a_plug_is_understood_at_every_cut, reading="at once"),
]

pytestmark = pytest.mark.parametrize("carrier", ["tls", "websocket"])


def name(case: Case) -> str:
    """Of the test that it is."""
    function: Any = case.func if isinstance(case, partial) else case
    return str(function.__name__).removeprefix("test_")


@pytest.mark.parametrize("case", CASES, ids=name)
async def test_a_client(side: Side, case: Case) -> None:
    await case(side)


@pytest.mark.parametrize("case", PLUGS, ids=name)
async def test_a_plug(hub: Side, case: Case) -> None:
    await case(hub)


async def test_first_packets(side: Side) -> None:
    async def check(case: test_first_packet.Case) -> None:
        expected = case.expected
        if not side.is_hub and case.mosquitto is not None:
            expected = case.mosquitto.outcome
        assert await first_outcome(await side.open(), case.data) == expected, case.name

    await asyncio.gather(*map(check, test_first_packet.CASES))


async def test_bad_packets_of_a_client(side: Side) -> None:
    watcher = await side.login()
    await watcher.subscribe((side.topic("#"), 2))
    silent = []

    async def check(number: int, case: test_bad_packets.Case) -> None:
        expected, answers, topic = case.expected, case.answers, side.topic(f"{number}")
        if not side.is_hub and case.mosquitto is not None:
            expected, answers = case.mosquitto.outcome, case.mosquitto.answers
        if case.expected == CLOSED and expected == CLOSED:
            silent.append(topic)
        assert await outcome(await side.login(), case.build(topic, topic + "/b"), answers) == expected, case.name

    await asyncio.gather(*(check(*numbered) for numbered in enumerate(test_bad_packets.CASES)))
    await watcher.ping()
    assert [message.topic for message in watcher.messages if message.topic in silent] == []
    assert len(silent) > 50


async def test_bad_packets_of_a_plug(hub: Side) -> None:
    watcher = await hub.login()
    await watcher.subscribe(("smartplug/#", 2))
    for case in test_bad_packets.CASES:
        data = case.build("smartplug/plug-1/telemetry", "smartplug/plug-1/control")
        assert await outcome(await hub.plug(), data, case.answers) == case.expected, case.name
        await watcher.ping()
        if case.expected == CLOSED:
            assert watcher.messages == [], case.name
        watcher.messages.clear()
