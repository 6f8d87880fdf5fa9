"""The column codec, open to storage plugins: samples and rollups as compressed, checksummed bytes and back, exactly.

Integers are decimal where the values are: the coarsest scale at which every value comes back bit for bit, else raw
floats. Each column leans on those before it: `up` on seq, `at` on up, current on power and voltage, the counters on
power and time, a bucket's minimum and maximum on its mean.
"""

from collections.abc import Collection, Sequence
from typing import TypeVar

import numpy as np

from hub.plugins.columns import ROLLUP_ARRAYS
from hub.plugins.contract import NONE, Float64, RawColumns, RollupColumns
from hub.plugins.decimals import BASE, EXACT, SCALE, all_floats, finite, float_column, floats, scaled
from hub.plugins.packing import DamagedChunk, NewerChunk, Row, pack, unpack
from hub.plugins.predict import FLAGS, LINE, Column, Int64, Mask, predict, restore, restore_all

__all__ = [
    "DamagedChunk",
    "NewerChunk",
    "decode_brief",
    "decode_raw",
    "decode_rollup",
    "decode_rollups",
    "decode_seqs",
    "encode_raw",
    "encode_rollup",
    "pack_raw",
    "unpack_raw",
]

T = TypeVar("T")

RAW, ROLLUP = 0, 1  # first byte of a label: what a chunk holds
PRODUCT = 14  # scale: power is voltage x current exactly
HALF = 1 << 63
POWER = 4  # place of this column among those of a chunk of samples
BRIEF_RAW = (0, 1, 2, POWER)  # seq, up, at
PRODUCT_RAW = (3, 5)  # voltage, current
BRIEF_ROLLUP = (0, 1, 4, 5, 6, 9, 10, 11)  # start, covered_ms, power, energy
SHORT = 128  # buckets of a chunk; longer ones gain nothing from being restored together
QUIET = np.errstate(all="ignore")  # a prediction may overflow: it is only worse then, not wrong
HEX_RUN = 16  # a run of 64 random bits in hex is kept as bytes
PHASES = 4096  # fractions of 1 mWh that a counter may start with
LONGEST_STEP = 3_600_000  # ms of one power reading that a counter's prediction believes


def encode_raw(columns: RawColumns) -> bytes:
    """One stream's samples as one chunk. NaN stays NaN (its payload and the sign of zero do not)."""
    return pack_raw([columns])


def decode_raw(data: bytes) -> RawColumns:
    """What `encode_raw` was given. Raises DamagedChunk."""
    return _one(unpack_raw(data))


@QUIET
def decode_brief(data: bytes, seq: Int64, at: Int64, power: Float64) -> bool:
    """Write these columns of what `encode_raw` was given to arrays of its length; True = `at` ascends, which otherwise
    is to be seen. Raises DamagedChunk."""
    rows, label = unpack(data, BRIEF_RAW)
    length, columns = _one(rows)
    if not label or label[0] != RAW or length != len(seq):
        raise DamagedChunk("not these samples")
    if _is_packed_product(columns):
        factors = unpack(data, PRODUCT_RAW)[0][0][1]
        np.multiply(floats(factors[3], length), floats(factors[5], length), out=power)
    else:
        power[:] = floats(columns[POWER], length)
    seqs, up, dates = columns[:3]
    if seqs.mode == up.mode == dates.mode == LINE:  # as nearly always: a reading each second, all with a date
        steps, pace = np.arange(length, dtype=np.int64), up.extra
        _line(seqs.first, seqs.slope, steps, seq)
        slope = pace * seqs.slope + up.slope + dates.slope
        _line(pace * seqs.first + up.first + dates.first, slope, steps, at)
        return 0 <= slope < HALF >> 32
    seq[:] = restore(seqs, length)[0]
    at[:] = _times(columns, length, seq)[1]
    return False


@QUIET
def decode_seqs(data: bytes) -> Int64:
    """Only the seqs of what `encode_raw` was given. Raises DamagedChunk."""
    rows, label = unpack(data, (0,))
    length, columns = _one(rows)
    if not label or label[0] != RAW:
        raise DamagedChunk("no samples")
    return restore(columns[0], length)[0]


@QUIET
def pack_raw(streams: Sequence[RawColumns]) -> bytes:
    """Many streams in one chunk, the same column of all lying together: what a commit of few samples each wants."""
    names = sorted({name for columns in streams for name in columns.extra})
    label = bytearray([RAW])
    for text in names:
        _put_text(label, text)
    label.append(0)
    for columns in streams:
        _put_run(label, columns.run)
    return pack([_raw_row(columns, names) for columns in streams], bytes(label))


@QUIET
def unpack_raw(data: bytes, only: Collection[int] | None = None) -> list[RawColumns]:
    """What `pack_raw` was given; `only`: the streams at these places. Raises DamagedChunk."""
    rows, label = unpack(data, rows=only)
    try:
        if label[0] != RAW:
            raise DamagedChunk("no samples")
        at, names, runs = 1, [], []
        while label[at]:
            name, at = _text(label, at)
            names.append(name)
        at += 1
        while at < len(label):
            run, at = _run(label, at)
            runs.append(run)
        chosen = runs if only is None else [runs[k] for k in only]
        return [_raw_columns(row, run, names) for row, run in zip(rows, chosen, strict=True)]
    except (IndexError, ValueError) as error:
        raise DamagedChunk(str(error)) from error


@QUIET
def encode_rollup(columns: RollupColumns) -> bytes:
    """Buckets of one tier as one chunk."""
    means = [columns.mean_power, columns.min_power, columns.max_power, columns.mean_voltage, columns.mean_current]
    power = columns.mean_power
    leans: list[Float64 | None] = [None, power, power, None, _amperes(power, columns.mean_voltage)]
    energies = [columns.import_mwh, columns.export_mwh, columns.estimated_mwh]
    expected = _expected_energy(power, columns.covered_ms)
    row = [predict(a)[0] for a in (columns.start, columns.covered_ms, columns.on_ms, columns.count)]
    row += [float_column(values, base) for values, base in zip(means, leans, strict=True)]
    row += [float_column(v, b) for v, b in zip(energies, (expected, -expected, None), strict=True)]
    return pack([(len(columns.start), row)], bytes([ROLLUP]))


def decode_rollup(data: bytes) -> RollupColumns:
    """What `encode_rollup` was given. Raises DamagedChunk."""
    return decode_rollups([data])


@QUIET
def decode_rollups(chunks: Sequence[bytes], *, brief: bool = False) -> RollupColumns:
    """What `encode_rollup` was given for each of these chunks (at least one), end to end; `brief`: without voltage,
    current (NaN), on_ms and count (0), which takes half the time. Raises DamagedChunk."""
    rows = [_buckets(data, brief=brief) for data in chunks]
    rows = [row for row in rows if row[0]] or rows[:1]
    if len(rows) > 1 and max(length for length, _ in rows) > SHORT:
        parts = [_rollup([row], brief=brief) for row in rows]
        return RollupColumns(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in ROLLUP_ARRAYS}
        )
    return _rollup(rows, brief=brief)


def _buckets(data: bytes, *, brief: bool) -> Row:
    rows, label = unpack(data, BRIEF_ROLLUP if brief else None)
    if label != bytes([ROLLUP]) or len(rows) != 1 or len(rows[0][1]) != len(ROLLUP_ARRAYS):
        raise DamagedChunk("no buckets")
    return rows[0]


def _rollup(rows: Sequence[Row], *, brief: bool) -> RollupColumns:
    lengths = [length for length, _ in rows]
    n, columns = sum(lengths), list(zip(*(columns for _, columns in rows), strict=True))
    start, covered = restore_all(columns[0], lengths)[0], restore_all(columns[1], lengths)[0]
    power = all_floats(columns[4], lengths)
    low, high = all_floats(columns[5], lengths, power), all_floats(columns[6], lengths, power)
    if brief:
        on = count = np.zeros(n, np.int64)
        voltage = current = np.full(n, np.nan)
    else:
        on, count = restore_all(columns[2], lengths)[0], restore_all(columns[3], lengths)[0]
        voltage = all_floats(columns[7], lengths)
        current = all_floats(columns[8], lengths, _amperes(power, voltage))
    expected = _expected_energy(power, covered)
    imported, exported, estimated = (
        all_floats(column, lengths, base) for column, base in zip(columns[9:], (expected, -expected, None), strict=True)
    )
    return RollupColumns(start, power, low, high, voltage, current, imported, exported, estimated, on, covered, count)


def _one(streams: Sequence[T]) -> T:
    if len(streams) != 1:
        raise DamagedChunk("not one stream")
    return streams[0]


def _raw_row(c: RawColumns, names: Sequence[str]) -> Row:
    step = _pace(c.seq, c.up if (c.up != NONE).any() else c.at)
    dated_by_up = bool((c.up != NONE).any())
    time = c.up if dated_by_up else c.at
    product = _is_product(c)
    row = [predict(c.seq)[0]]
    row.append(_int_column(c.up, step * c.seq)._replace(extra=step))
    row.append(_int_column(c.at, c.up if dated_by_up else step * c.seq))
    row.append(float_column(c.voltage, None))
    row.append(Column(PRODUCT << SCALE + FLAGS) if product else float_column(c.power, None))
    row.append(float_column(c.current, None if product else _amperes(c.power, c.voltage)))
    row += [_counter_column(counter, sign * c.power, time) for counter, sign in ((c.energy_mwh, 1), (c.export_mwh, -1))]
    row += [predict(a.astype(np.int64))[0] for a in (c.relay, c.apparent)]
    row += [float_column(c.extra[name], None) if name in c.extra else Column() for name in names]
    return len(c.seq), row


def _raw_columns(row: Row, run: str, names: Sequence[str]) -> RawColumns:
    n, columns = row
    seq = restore(columns[0], n)[0]
    up, at, time = _times(columns, n, seq)
    voltage = floats(columns[3], n)
    if _is_packed_product(columns):
        current = floats(columns[5], n)
        power = voltage * current
    else:
        power = floats(columns[4], n)
        current = floats(columns[5], n, _amperes(power, voltage))
    energy, export = (_counter(columns[6 + k], n, sign * power, time) for k, sign in enumerate((1, -1)))
    relay, apparent = (restore(column, n)[0].astype(np.int8) for column in columns[8:10])
    extra = {name: floats(column, n) for name, column in zip(names, columns[10:], strict=True) if column.mode}
    return RawColumns(run, seq, up, at, voltage, current, power, energy, export, relay, apparent, extra)


def _times(columns: Sequence[Column], length: int, seq: Int64) -> tuple[Int64, Int64, Int64]:
    """up, at, and which of them counts."""
    expected = np.int64(columns[1].extra) * seq
    up = _ints(columns[1], length, expected)
    dated_by_up = bool((up != NONE).any())
    at = _ints(columns[2], length, up if dated_by_up else expected)
    return up, at, up if dated_by_up else at


def _line(first: int, slope: int, steps: Int64, out: Int64) -> None:
    np.multiply(steps, _wrapped(slope), out=out)
    out += _wrapped(first)


def _wrapped(value: int) -> int:
    return value if -HALF <= value < HALF else (value + HALF) % (2 * HALF) - HALF


def _int_column(values: Int64, base: Int64) -> Column:
    """A column of which NONE is missing, as its distance from `base`."""
    return predict(values - base, values == NONE)[0]


def _ints(column: Column, length: int, base: Int64) -> Int64:
    values, missing = restore(column, length)
    return _with_none(values + base, missing)


def _counter_column(counter: Int64, power: Float64, time: Int64) -> Column:
    """A counter as its distance from what power and time let expect, where that is smaller."""
    missing = counter == NONE
    plain, plain_cost = predict(counter, missing)
    if missing.all() or len(counter) < 2:
        return plain
    energy, divisor = _expected_counter(power, time)
    rest = (counter - counter[int(np.argmin(missing))]).astype(np.float64) - energy / divisor
    rest = rest[~missing]
    best, cost = plain, plain_cost
    # The counter is the floor of a sum: where power is all that it counts, the largest rest is its fraction.
    for fraction in (float(rest.max()), float(rest.mean()) + 0.5):
        phase = int(fraction % 1.0 * PHASES) if abs(fraction) < EXACT else 0
        column, bits = predict(counter - (energy + phase * divisor // PHASES) // divisor, missing)
        if bits < cost:
            best, cost = column._replace(mode=column.mode | BASE << FLAGS, extra=phase), bits
    return best


def _counter(column: Column, length: int, power: Float64, time: Int64) -> Int64:
    values, missing = restore(column, length)
    if column.mode >> FLAGS & BASE:
        energy, divisor = _expected_counter(power, time)
        values = values + (energy + column.extra * divisor // PHASES) // divisor
    return _with_none(values, missing)


def _expected_counter(power: Float64, time: Int64) -> tuple[Int64, int]:
    """(sum of power x time, what to divide it by for mWh), in integers: equal on every machine."""
    milliwatts = np.rint(np.clip(finite(power), 0, 1e6) * 1000).astype(np.int64)
    steps = np.clip(np.diff(time, prepend=time[:1]), 0, LONGEST_STEP)
    return np.cumsum(milliwatts * steps), 3_600_000


def _amperes(power: Float64, voltage: Float64) -> Float64:
    usable = np.abs(voltage) > 1e-3  # False for NaN too
    return np.divide(power, voltage, out=np.zeros(len(power)), where=usable)


def _expected_energy(power: Float64, covered_ms: Int64) -> Float64:
    return finite(power) * covered_ms / 3600.0


def _is_packed_product(columns: Sequence[Column]) -> bool:
    return columns[POWER].mode >> SCALE + FLAGS == PRODUCT


def _is_product(c: RawColumns) -> bool:
    """Is power nothing but voltage x current, to the last bit? (With few decimals it is cheaper as a column.)"""
    missing = np.isnan(c.power)
    if missing.all() or not np.array_equal(c.voltage * c.current, c.power, equal_nan=True):
        return False
    return scaled(c.power, missing)[0] > 2


def _pace(seq: Int64, time: Int64) -> int:
    """The usual step of `time` for a step of one in `seq`, 0 where there is none."""
    if len(seq) < 2:
        return 0
    steps = np.diff(time)[np.diff(seq) == 1]
    return int(np.partition(steps, len(steps) // 2)[len(steps) // 2]) if len(steps) else 0


def _with_none(values: Int64, missing: Mask | None) -> Int64:
    if missing is not None:
        values[missing] = NONE
    return values


def _put_text(label: bytearray, text: str) -> None:
    data = text.encode()
    if not 0 < len(data) < 256:
        raise ValueError("a name has 1 to 255 bytes")
    label.append(len(data))
    label += data


def _text(label: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + label[at]
    return label[at + 1 : end].decode(), end


def _put_run(label: bytearray, run: str) -> None:
    if len(run) == HEX_RUN and run.strip("0123456789abcdef") == "":
        label.append(255)
        label += bytes.fromhex(run)
        return
    data = run.encode()
    if len(data) > 254:
        raise ValueError("a run has at most 254 bytes")
    label.append(len(data))
    label += data


def _run(label: bytes, at: int) -> tuple[str, int]:
    if label[at] == 255:
        return label[at + 1 : at + 9].hex(), at + 9
    return _text(label, at)
