"""Filters: matching, covering, and the index against the plain rule."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.broker.topics import FilterIndex, covered, covers, matches, valid_filter


class Somebody:
    inside = False

    def deliver(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        raise AssertionError("nothing is routed here")


@pytest.mark.parametrize("topic_filter", ["a", "a/b", "/", "//", "+", "#", "+/+", "a/#", "+/a/#", "/#", "$SYS/#", " "])
def test_valid_filters(topic_filter: str) -> None:
    assert valid_filter(topic_filter)


@pytest.mark.parametrize("topic_filter", ["", "a#", "#a", "#/a", "a/#/b", "a+", "+a", "a/+b", "##", "++"])
def test_invalid_filters(topic_filter: str) -> None:
    assert not valid_filter(topic_filter)


@pytest.mark.parametrize(
    ("topic_filter", "topic"),
    [
        ("a/b", "a/b"),
        ("a/+", "a/b"),
        ("a/+", "a/"),
        ("+", "a"),
        ("+/+", "/a"),
        ("/+", "/a"),
        ("#", "a/b/c"),
        ("#", "/"),
        ("a/#", "a"),
        ("a/#", "a/b/c"),
        ("+/b/#", "a/b"),
        ("$SYS/#", "$SYS/x"),
        ("$SYS/+", "$SYS/x"),
    ],
)
def test_what_matches(topic_filter: str, topic: str) -> None:
    assert matches(topic_filter, topic)


@pytest.mark.parametrize(
    ("topic_filter", "topic"),
    [
        ("a/b", "a/B"),
        ("a/b", "a/b/"),
        ("a/+", "a"),
        ("a/+", "a/b/c"),
        ("+", "/a"),
        ("+", "a/b"),
        ("a/#", "ab"),
        ("#", "$SYS/x"),
        ("+/x", "$SYS/x"),
    ],
)
def test_what_does_not_match(topic_filter: str, topic: str) -> None:
    assert not matches(topic_filter, topic)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("#", "#", True),
        ("#", "+/a/#", True),
        ("#", "$SYS/#", False),
        ("+/#", "#", False),
        ("a/#", "a", True),
        ("a/#", "a/+", True),
        ("a/+", "a/#", False),
        ("a/+", "a/+", True),
        ("a/b", "a/+", False),
        ("smartplug/+/telemetry", "smartplug/#", False),
        ("smartplug/+/telemetry", "+/+/telemetry", False),
        ("smartplug/+/telemetry", "smartplug/x/telemetry", True),
    ],
)
def test_what_covers(wide: str, narrow: str, expected: bool) -> None:
    assert covers(wide, narrow) is expected
    assert covered(("nothing", wide), narrow) is expected


LEVEL = st.sampled_from(["a", "b", "", "$x"])
TOPICS = st.lists(LEVEL, min_size=1, max_size=4).map("/".join).filter(bool)
FILTERS = (
    st.tuples(st.lists(st.one_of(LEVEL, st.just("+")), max_size=4), st.sampled_from([[], ["#"]]))
    .map(lambda parts: "/".join(parts[0] + parts[1]))
    .filter(valid_filter)
)


@given(wide=FILTERS, narrow=FILTERS, topic=TOPICS)
@settings(max_examples=300)
def test_a_covered_filter_matches_nothing_more(wide: str, narrow: str, topic: str) -> None:
    if covers(wide, narrow) and matches(narrow, topic):
        assert matches(wide, topic)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["add", "add", "remove", "drop"]), FILTERS, st.integers(0, 2), st.integers(0, 2))
    ),
    topics=st.lists(TOPICS, min_size=1, max_size=5),
)
@settings(max_examples=200)
def test_the_index_finds_what_a_scan_finds(steps: list[tuple[str, str, int, int]], topics: list[str]) -> None:
    index, people = FilterIndex(), [Somebody(), Somebody(), Somebody()]
    held: dict[tuple[int, str], int] = {}
    for step, topic_filter, who, qos in steps:
        if step == "add":
            index.add(topic_filter, people[who], qos)
            held[who, topic_filter] = qos
        elif step == "remove":
            index.remove(topic_filter, people[who])
            held.pop((who, topic_filter), None)
        else:
            index.drop(people[who])
            held = {key: value for key, value in held.items() if key[0] != who}
        for topic in topics:
            expected: dict[Somebody, int] = {}
            for (person, one), granted in held.items():
                if matches(one, topic):
                    expected[people[person]] = max(granted, expected.get(people[person], 0))
            assert dict(index.match(topic)) == expected
        assert index.filters == len(held)
    for somebody in people:
        index.drop(somebody)
    assert index.filters == 0
    assert not index._root.children, "an empty index holds no nodes"
