"""Telemetry: what plugs send, on its way from the broker to live state, history and the bus; and the acks back."""

from hub.telemetry.acks import Acks
from hub.telemetry.arrival import Arrivals
from hub.telemetry.buffer import Buffer
from hub.telemetry.ingest import Ingest
from hub.telemetry.live import Live, LiveState, Recent
from hub.telemetry.rejects import Reject, Rejects
from hub.telemetry.stream import Stream
from hub.telemetry.streams import Streams

__all__ = [
    "Acks",
    "Arrivals",
    "Buffer",
    "Ingest",
    "Live",
    "LiveState",
    "Recent",
    "Reject",
    "Rejects",
    "Stream",
    "Streams",
]
