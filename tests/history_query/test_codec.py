"""The column codec gives back exactly what it took, in few bytes, and notices damage."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hub.plugins.codec import (
    DamagedChunk,
    NewerChunk,
    decode_brief,
    decode_raw,
    decode_rollup,
    decode_rollups,
    encode_raw,
    encode_rollup,
    pack_raw,
    unpack_raw,
)
from hub.plugins.columns import ROLLUP_ARRAYS, select_raw
from hub.plugins.contract import NONE, RawColumns, RollupColumns
from hub.plugins.packing import VERSION
from hub.plugins.predict import predict, restore
from hub.testing.traces import assert_raw_equal, assert_rollup_equal, buckets, trace

ANY_INT = st.integers(-(2**63), 2**63 - 1)
SOME_INT = st.one_of(st.just(NONE), st.integers(-5, 300), st.integers(0, 2_000_000_000_000), ANY_INT)
ANY_FLOAT = st.one_of(
    st.just(float("nan")),
    st.integers(-2_500_000, 2_500_000).map(lambda n: n / 100),
    st.integers(0, 2500).map(lambda n: n / 10),
    st.floats(allow_nan=True, allow_infinity=True).map(lambda x: x + 0.0),
)


def ints(n: int) -> st.SearchStrategy[np.ndarray]:
    return arrays.arrays(np.int64, n, elements=SOME_INT)


def floats(n: int) -> st.SearchStrategy[np.ndarray]:
    return arrays.arrays(np.float64, n, elements=ANY_FLOAT)


def assert_brief_equal(data: bytes, columns: RawColumns) -> None:
    n = len(columns.seq)
    seq, at, power = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n)
    ascends = decode_brief(data, seq, at, power)
    np.testing.assert_array_equal(seq, columns.seq)
    np.testing.assert_array_equal(at, columns.at)
    np.testing.assert_array_equal(power, columns.power)
    assert not ascends or (np.diff(at) >= 0).all()


@st.composite
def raw_columns(draw: st.DrawFn) -> RawColumns:
    n = draw(st.integers(0, 40))
    seq = np.sort(draw(arrays.arrays(np.int64, n, elements=st.integers(0, 2**40), unique=True)))
    names = draw(st.sets(st.sampled_from(["power_factor", "frequency", "temperature", "größe"]), max_size=3))
    extra = {name: draw(floats(n)) for name in names}
    return RawColumns(
        run=draw(
            st.one_of(st.just(""), st.just("0123456789abcdef"), st.just("0123456789ABCDEF"), st.text(max_size=30))
        ),
        seq=seq,
        up=draw(ints(n)),
        at=draw(ints(n)),
        voltage=draw(floats(n)),
        current=draw(floats(n)),
        power=draw(floats(n)),
        energy_mwh=draw(ints(n)),
        export_mwh=draw(ints(n)),
        relay=draw(arrays.arrays(np.int8, n, elements=st.integers(-1, 1))),
        apparent=draw(arrays.arrays(np.int8, n, elements=st.integers(0, 1))),
        extra={name: values for name, values in extra.items() if not np.isnan(values).all()},
    )


@st.composite
def rollup_columns(draw: st.DrawFn) -> RollupColumns:
    n = draw(st.integers(0, 40))
    return RollupColumns(*(draw(make(n)) for make in (ints, *[floats] * 8, ints, ints, ints)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(raw_columns())
def test_any_samples_come_back(columns: RawColumns) -> None:
    data = encode_raw(columns)
    assert_raw_equal(decode_raw(data), columns)
    assert_brief_equal(data, columns)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(raw_columns(), max_size=4), st.sets(st.integers(0, 3)))
def test_any_streams_come_back_together_and_alone(streams: list[RawColumns], some: set[int]) -> None:
    data = pack_raw(streams)
    wanted = sorted(place for place in some if place < len(streams))
    for places, restored in ((range(len(streams)), unpack_raw(data)), (wanted, unpack_raw(data, wanted))):
        assert len(restored) == len(places)
        for place, left in zip(places, restored, strict=True):
            assert_raw_equal(left, streams[place])


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(rollup_columns(), min_size=1, max_size=3))
def test_any_buckets_come_back_alone_and_together(chunks: list[RollupColumns]) -> None:
    data = [encode_rollup(columns) for columns in chunks]
    for columns, one in zip(chunks, data, strict=True):
        assert_rollup_equal(decode_rollup(one), columns)
    together = decode_rollups(data)
    for name in ROLLUP_ARRAYS:
        whole = np.concatenate([getattr(columns, name) for columns in chunks])
        np.testing.assert_array_equal(getattr(together, name), whole, err_msg=name)


@settings(max_examples=100)
@given(arrays.arrays(np.int64, st.integers(0, 200), elements=st.one_of(ANY_INT, st.integers(-3, 3))), st.data())
def test_any_integers_come_back(values: np.ndarray, data: st.DataObject) -> None:
    missing = data.draw(arrays.arrays(np.bool_, len(values)))
    restored, restored_missing = restore(predict(values, missing)[0], len(values))
    if restored_missing is None:
        assert not missing.any()
    else:
        np.testing.assert_array_equal(restored_missing, missing)
    np.testing.assert_array_equal(restored[~missing], values[~missing])


def test_an_hour_of_a_plug_takes_less_than_a_byte_a_sample() -> None:
    columns = trace(3600)
    data = encode_raw(columns)
    assert_raw_equal(decode_raw(data), columns)
    assert len(data) < 3600


def test_a_minute_of_a_few_plugs_takes_less_than_1_8_bytes_a_sample() -> None:
    streams = [select_raw(trace(900, run=f"{k:016x}", seq=40_000 * k, seed=k), slice(300, 360)) for k in range(10)]
    assert len(pack_raw(streams)) < 1.8 * 600


def test_columns_that_say_nothing_cost_nothing() -> None:
    columns = trace(3600)
    silent = trace(3600)
    silent.export_mwh = np.zeros(3600, np.int64)
    silent.apparent = np.ones(3600, np.int8)
    assert len(encode_raw(silent)) - len(encode_raw(columns)) < 8


def test_apparent_power_is_not_stored_twice() -> None:
    columns = trace(3600)
    columns.current = np.round(columns.current + 0.0517, 3)
    columns.power = columns.voltage * columns.current
    columns.energy_mwh = np.full(3600, NONE, np.int64)
    without = trace(3600)
    without.current, without.energy_mwh = columns.current, columns.energy_mwh
    without.power = np.full(3600, np.nan)
    assert_raw_equal(decode_raw(encode_raw(columns)), columns)
    assert_brief_equal(encode_raw(columns), columns)
    assert len(encode_raw(columns)) - len(encode_raw(without)) < 40


def test_holes_reboots_of_time_and_missing_values_come_back() -> None:
    columns = select_raw(trace(3800), ~np.isin(np.arange(3800), [5, 6, 7, 900, 3000]))
    columns.extra = {"frequency": np.round(50 + np.sin(np.arange(3795) / 50) / 10, 2)}
    columns.at[2000:] += 7_200_000
    columns.at[:50] = NONE
    columns.voltage[70:90] = np.nan
    columns.energy_mwh[100] = NONE
    columns.energy_mwh[3000:] -= columns.energy_mwh[3000]
    columns.relay[500:600] = 0
    columns.relay[700] = NONE
    assert_raw_equal(decode_raw(encode_raw(columns)), columns)


@pytest.mark.parametrize("decimals", [0, 1, 2, 3, 4, 6])
def test_scales_are_as_coarse_as_the_values_allow(decimals: int) -> None:
    """The same digits cost the same wherever the point stands."""
    columns = trace(1200)
    columns.current = np.full(1200, np.nan)
    columns.power = np.full(1200, np.nan)
    whole = len(encode_raw(columns))
    columns.voltage = np.rint(columns.voltage * 10) / 10.0**decimals
    assert_raw_equal(decode_raw(encode_raw(columns)), columns)
    assert abs(len(encode_raw(columns)) - whole) < 4


def test_every_damaged_byte_is_noticed() -> None:
    data = encode_raw(trace(40))
    for index in range(len(data)):
        for bit in (1, 128):
            damaged = bytearray(data)
            damaged[index] ^= bit
            with pytest.raises(DamagedChunk):
                decode_raw(bytes(damaged))


def test_every_truncation_is_noticed() -> None:
    data = encode_rollup(buckets(40, start=1_700_000_040_000, bucket_ms=60_000))
    for length in range(len(data)):
        with pytest.raises(DamagedChunk):
            decode_rollup(data[:length])


def test_samples_are_not_taken_for_buckets() -> None:
    with pytest.raises(DamagedChunk):
        decode_rollup(encode_raw(trace(10)))
    with pytest.raises(DamagedChunk):
        decode_raw(encode_rollup(buckets(10, start=0, bucket_ms=60_000)))
    with pytest.raises(DamagedChunk):
        decode_raw(pack_raw([trace(10), trace(10)]))


def test_a_newer_format_is_told_from_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.plugins.packing.VERSION", VERSION + 1)
    data = encode_raw(trace(10))
    monkeypatch.undo()
    with pytest.raises(NewerChunk):
        decode_raw(data)
