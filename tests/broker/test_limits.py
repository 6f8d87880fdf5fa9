"""Hosts, back-off, retained messages and outgoing queues, each on its own."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.broker import Broker, EmbeddedBroker, Limits
from hub.broker.limits import REMEMBERED_HOSTS, FailedLogins, host_key
from hub.broker.outbox import Outbox
from hub.broker.retained import Retained
from hub.broker.topics import matches
from hub.clock import Clock
from tests.broker.client import acknowledge, publish
from tests.broker.parts import Receiver, Store, authenticate
from tests.broker.test_topics import FILTERS


def test_the_embedded_broker_is_what_the_hub_expects() -> None:
    broker: Broker = EmbeddedBroker(Receiver(), authenticate, Store(), Clock())
    assert not broker.is_connected("plug-1")
    assert not broker.send("plug-1", "ack", b"")


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a:b", "a:b"),
    ],
)
def test_what_counts_as_one_host(address: str, key: str) -> None:
    assert host_key(address) == key


def test_the_backoff_doubles_up_to_its_limit() -> None:
    failed = FailedLogins(free=2, longest=60)
    now, blocks = 0.0, []
    for _ in range(10):
        failed.failed("host", now)
        start = now
        while failed.blocked("host", now):
            now += 1
        blocks.append(now - start)
    assert blocks == [0, 0, 2, 4, 8, 16, 32, 60, 60, 60]
    assert not failed.blocked("another", 0)


def test_remembered_hosts_are_bounded_and_forgotten() -> None:
    failed = FailedLogins(free=0, longest=60)
    for number in range(REMEMBERED_HOSTS + 5):
        failed.failed(f"host {number}", 0)
    assert len(failed._hosts) == REMEMBERED_HOSTS
    assert not failed.blocked("host 0", 0)
    failed.forget(100)
    assert failed.blocked("host 100", 1)
    failed.forget(200)
    assert not failed._hosts


TOPIC_LIST = ["a", "a/b", "/a", "a/", "a/b/c", "$x/a", "a\n/b", "b", "smartplug", "smartplug/p/x"]


@given(
    topic_filter=st.one_of(
        FILTERS, st.sampled_from(["smartplug/+/status", "smartplug/#", "+/p/config", "smartplug/q/+"])
    )
)
@settings(max_examples=200)
def test_retained_messages_are_found_by_the_plain_rule(topic_filter: str) -> None:
    store = Store()
    store.set("p", "status", b"on")
    store.set("p", "config", b"{}")
    store.set("q", "status", b"off")
    retained = Retained(store, Limits(), Counter())
    for topic in TOPIC_LIST:
        retained.set(topic, b"x", 1)
    everything = [*TOPIC_LIST, "smartplug/p/status", "smartplug/p/config", "smartplug/q/status"]
    found = [topic for topic, _, _ in retained.match(topic_filter)]
    assert sorted(found) == sorted(topic for topic in everything if matches(topic_filter, topic))


def test_packet_ids_wrap_and_skip_what_is_in_flight() -> None:
    sent: list[bytes] = []
    outbox = Outbox(Limits(inflight=3), Counter())
    outbox.connected(sent.append)
    outbox.deliver("held", b"", 1, False)
    for number in range(2, 65_538):
        outbox.deliver("t", b"", 1, False)
        outbox.puback(number if number <= 65_535 else number - 65_534)
    assert sent[-3:] == [publish("t", b"", 1, 65_535), publish("t", b"", 1, 2), publish("t", b"", 1, 3)]


def test_acknowledgements_of_the_wrong_kind_change_nothing() -> None:
    sent: list[bytes] = []
    outbox = Outbox(Limits(inflight=2), Counter())
    outbox.connected(sent.append)
    outbox.deliver("one", b"", 1, False)
    outbox.deliver("two", b"", 2, False)
    outbox.deliver("waits", b"", 1, False)
    outbox.puback(2)
    outbox.puback(9)
    outbox.pubcomp(1)
    outbox.pubcomp(2)
    outbox.pubrec(1)
    assert sent == [publish("one", b"", 1, 1), publish("two", b"", 2, 2)]
    outbox.pubrec(77)
    outbox.pubrec(2)
    assert sent[2:] == [acknowledge(6, 77), acknowledge(6, 2)]
    outbox.pubcomp(2)
    assert sent[4:] == [publish("waits", b"", 1, 3)]
