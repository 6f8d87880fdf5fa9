"""Sample: what a plug measured at one moment, with units."""

import msgspec


class Sample(msgspec.Struct, gc=False):
    """One reading of one outlet, decoded straight from the wire (docs/device-contract.md).

    Units: V, A, W (positive = consumption), mWh, Hz, degrees Celsius, milliseconds. None = not sent.
    Its place is (device, channel, run, seq); `up` is ms since the run began, `ts` the plug's own Unix ms.
    """

    voltage: float | None = None
    current: float | None = None
    power: float | None = None
    energy_mwh: int | None = None
    export_mwh: int | None = None
    relay_state: bool | None = None
    run: str | None = None
    seq: int | None = None
    oldest: int | None = None
    up: int | None = None
    channel: int = 0
    ts: int | None = None
    power_factor: float | None = None
    frequency: float | None = None
    temperature: float | None = None
    energy: float | None = None  # Wh, what other makes send in place of energy_mwh
    apparent: bool = False  # power is voltage x current, because the plug sent none
