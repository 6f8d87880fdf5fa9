"""The device contract on the wire (docs/device-contract.md): JSON below smartplug/<hardware_id>/."""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from hub.plugins import Batch, Command, Minute, Minutes, Outgoing, PayloadError, Sample, Settings, Status

MDNS_TYPE = "_smartplug._tcp.local."
MOST_IN_A_BATCH = 600
MOST_MINUTES = 600  # in a message
MOST_CHANNELS = 16
LONGEST_MS = 60_000  # between two samples; more is for devices that publish at a pace of their own and are not told one
LARGEST = {  # bytes; what is larger is not even looked at
    "telemetry": 16 * 1024,
    "telemetry/batch": 96 * 1024,
    "telemetry/minutes": 128 * 1024,
    "status": 16 * 1024,
}
NOT_A_NUMBER = re.compile(rb"(?<=[:,\[\s])-?(?:nan|inf(?:inity)?)(?=[,\]}\s])", re.IGNORECASE)
ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")

_encode = msgspec.json.Encoder().encode


class BatchMessage(msgspec.Struct):
    """`telemetry/batch`: consecutive samples as columns; one that is null in `voltage` or `current` was no reading."""

    run: str
    seq: int
    up: int
    dt: int
    voltage: list[float | None]
    current: list[float | None]
    power: list[float | None] | None = None
    energy_mwh: list[int | None] | None = None
    export_mwh: list[int | None] | None = None
    relay_state: list[bool | None] | None = None
    power_factor: list[float | None] | None = None
    frequency: list[float | None] | None = None
    temperature: list[float | None] | None = None
    channel: int = 0
    oldest: int | None = None
    ts: int | None = None


COLUMNS = (
    "power",
    "energy_mwh",
    "export_mwh",
    "relay_state",
    "power_factor",
    "frequency",
    "temperature",
)


class MinutesMessage(msgspec.Struct):
    """`telemetry/minutes`; each record is judged on its own."""

    run: str
    minutes: list[msgspec.Raw]
    channel: int = 0
    reason: str | None = None


class MinutePlace(msgspec.Struct):
    """What must be readable of a record for its range to be acknowledged although it is refused."""

    seq_from: int
    seq_to: int


class ChannelStatus(msgspec.Struct):
    """One outlet in `status`."""

    on: bool | None = None
    oldest: int | None = None


class StatusMessage(msgspec.Struct):
    """`status`; for plugs with several outlets `channels` besides."""

    status: str
    id: str | None = None
    error: str | None = None
    firmware: str | None = None
    rssi: int | None = None
    uptime: int | None = None
    run: str | None = None
    oldest: int | None = None
    buffer_s: int | None = None
    reason: str | None = None
    channels: dict[int, ChannelStatus] = {}
    older: list[str] = []


class SmartplugDriver:
    """Implements hub.plugins.DeviceDriver for the device contract."""

    name = "smartplug"
    counter_resolution_mwh = 1
    mdns_type: str | None = MDNS_TYPE

    def __init__(self) -> None:
        self._sample = msgspec.json.Decoder(Sample).decode
        self._batch = msgspec.json.Decoder(BatchMessage).decode
        self._minutes = msgspec.json.Decoder(MinutesMessage).decode
        self._minute = msgspec.json.Decoder(Minute).decode
        self._minute_place = msgspec.json.Decoder(MinutePlace).decode
        self._status = msgspec.json.Decoder(StatusMessage).decode

    def decode(self, suffix: str, payload: bytes) -> Sample | Batch | Minutes | Status | None:
        """See the contract. Raises PayloadError."""
        largest = LARGEST.get(suffix)
        if largest is None:
            return None
        if len(payload) > largest:
            raise PayloadError("size", f"{len(payload)} bytes; at most {largest} are accepted")
        if suffix == "telemetry":
            return self._decode_sample(payload)
        if suffix == "telemetry/batch":
            return self._decode_batch(payload)
        if suffix == "telemetry/minutes":
            return self._decode_minutes(payload)
        return self._decode_status(payload) if payload else None

    def encode_command(self, command: Command) -> Outgoing:
        """`control`."""
        body: dict[str, Any] = {"command": command.command, "id": command.id, "channel": command.channel}
        if command.expires is not None:
            body["expires"] = command.expires
        return Outgoing("control", _encode({**command.values, **body}), qos=1)

    def encode_settings(self, settings: Settings) -> Outgoing:
        """`config`."""
        body = {
            "name": settings.name,
            "interval_ms": min(settings.interval_ms, LONGEST_MS),
            "timezone": settings.timezone,
            "led": settings.led,
            "channels": {str(channel): values for channel, values in settings.channels.items()},
        }
        return Outgoing("config", _encode(body), qos=1, retain=True)

    def encode_ack(self, ack: Mapping[str, Any]) -> Outgoing | None:
        """`ack`."""
        return Outgoing("ack", _encode(ack), qos=0)

    def found(self, name: str, properties: Mapping[str, str]) -> tuple[str, str] | None:
        """Plugs announce themselves with their hardware_id and model."""
        hardware_id = properties.get("hardware_id") or properties.get("id")
        return None if not hardware_id else (hardware_id, properties.get("model", "smartplug"))

    def _decode_sample(self, payload: bytes) -> Sample:
        try:
            sample = self._sample(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _refused(payload, error) from error
        if sample.voltage is None or sample.current is None:
            raise PayloadError("missing", "voltage and current are needed", _clean_place(sample))
        return sample

    def _decode_batch(self, payload: bytes) -> Batch:
        try:
            message = self._batch(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _lenient_batch(payload, error)
        count = len(message.voltage)
        columns = {name: values for name in COLUMNS if (values := getattr(message, name)) is not None}
        if any(len(values) != count for values in (message.current, *columns.values())):
            raise PayloadError("batch", "its columns are not equally long")
        if count > MOST_IN_A_BATCH:
            raise PayloadError("batch", f"{count} samples; at most {MOST_IN_A_BATCH} are accepted")
        if not 0 <= message.dt < 2**31:
            raise PayloadError("batch", "dt is not a step in milliseconds")
        samples: list[Sample] = []
        rejected: list[tuple[Sample, str]] = []
        for k, (voltage, current) in enumerate(zip(message.voltage, message.current, strict=True)):
            sample = Sample(
                voltage=voltage,
                current=current,
                run=message.run,
                seq=message.seq + k,
                oldest=message.oldest,
                up=message.up + k * message.dt,
                channel=message.channel,
                ts=None if message.ts is None else message.ts + k * message.dt,
            )
            for name, values in columns.items():
                setattr(sample, name, values[k])
            if voltage is None or current is None:
                rejected.append((sample, "missing"))
            else:
                samples.append(sample)
        return Batch(samples, rejected)

    def _decode_minutes(self, payload: bytes) -> Minutes:
        try:
            message = self._minutes(_without_nan(payload))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PayloadError(_reason(error), str(error)) from error
        if len(message.minutes) > MOST_MINUTES:
            raise PayloadError("minutes", f"{len(message.minutes)} records; at most {MOST_MINUTES} are accepted")
        minutes: list[Minute] = []
        rejected: list[tuple[int, int, str]] = []
        for record in message.minutes:
            try:
                minutes.append(self._minute(record))
            except msgspec.ValidationError as error:
                try:
                    place = self._minute_place(record)
                except msgspec.ValidationError:
                    raise PayloadError("type", str(error)) from error
                rejected.append((place.seq_from, place.seq_to, "type"))
        return Minutes(message.run, message.channel, minutes, rejected, message.reason)

    def _decode_status(self, payload: bytes) -> Status:
        try:
            message = self._status(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PayloadError(_reason(error), str(error)) from error
        if len(message.channels) > MOST_CHANNELS:
            raise PayloadError("channels", f"{len(message.channels)} channels; at most {MOST_CHANNELS} are accepted")
        relays = {channel: state.on for channel, state in message.channels.items() if state.on is not None}
        oldest = {channel: state.oldest for channel, state in message.channels.items() if state.oldest is not None}
        if message.status in ("on", "off"):
            relays.setdefault(0, message.status == "on")
        elif message.status != "offline":
            raise PayloadError("status", f"{message.status[:40]!r} is none of on, off, offline")
        if message.oldest is not None:
            oldest.setdefault(0, message.oldest)
        return Status(
            online=message.status != "offline",
            relays=relays if message.status != "offline" else {},
            oldest=oldest,
            command_id=message.id,
            error=message.error,
            firmware=message.firmware,
            rssi=message.rssi,
            uptime=message.uptime,
            run=message.run,
            reason=message.reason,
            buffer_s=message.buffer_s,
            older=message.older,
        )


def _reason(error: Exception) -> str:
    return "type" if isinstance(error, msgspec.ValidationError) else "json"


def _refused(payload: bytes, error: Exception) -> PayloadError:
    """The error with the place of the sample, where a second, lenient look can read it."""
    return PayloadError(_reason(error), str(error), _place(_fields(payload)))


def _without_nan(payload: bytes) -> bytes:
    lowered = payload.lower()
    return NOT_A_NUMBER.sub(b"null", payload) if b"nan" in lowered or b"inf" in lowered else payload


def _fields(payload: bytes) -> dict[str, Any]:
    """The payload's object as it is, with null for the NaN that careless firmware writes; empty where it is none."""
    if ESCAPED_HALF.search(payload):  # perhaps without its other half: a text that nothing could write down again
        return {}
    try:
        fields = json.loads(_without_nan(payload).decode())
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _place(fields: Mapping[str, Any]) -> Sample | None:
    run, seq, channel = fields.get("run"), fields.get("seq"), fields.get("channel", 0)
    if not isinstance(run, str) or not _whole(seq) or not _whole(channel):
        return None
    oldest, up = (fields[name] if _whole(fields.get(name)) else None for name in ("oldest", "up"))
    return Sample(run=run, seq=seq, channel=channel, oldest=oldest, up=up)


def _clean_place(sample: Sample) -> Sample | None:
    if sample.run is None or sample.seq is None:
        return None
    return Sample(run=sample.run, seq=sample.seq, channel=sample.channel, oldest=sample.oldest, up=sample.up)


def _lenient_batch(payload: bytes, error: Exception) -> Batch:
    """A batch in which something is of the wrong type: each sample is judged on its own.

    Raises PayloadError for what is no batch at all.
    """
    fields = _fields(payload)
    place = _place(fields)
    columns = {name: values for name, values in fields.items() if isinstance(values, list)}
    count = max((len(values) for values in columns.values()), default=0)
    if place is None or place.seq is None or not 0 < count <= MOST_IN_A_BATCH:
        raise PayloadError(_reason(error), str(error)) from error
    step = fields["dt"] if _whole(fields.get("dt")) else 0
    samples: list[Sample] = []
    rejected: list[tuple[Sample, str]] = []
    for k in range(count):
        own = {
            name: values[k] for name, values in columns.items() if k < len(values) and name in Sample.__struct_fields__
        }
        own |= {"run": place.run, "seq": place.seq + k, "channel": place.channel, "oldest": place.oldest}
        own["up"] = None if place.up is None else place.up + k * step
        try:
            sample = msgspec.convert(own, Sample)
        except msgspec.ValidationError:
            rejected.append((Sample(run=place.run, seq=place.seq + k, channel=place.channel), "type"))
            continue
        if sample.voltage is None or sample.current is None:
            rejected.append((sample, "missing"))
        else:
            samples.append(sample)
    return Batch(samples, rejected)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
