"""INA219: low-voltage DC only (at most 26 V). It cannot measure mains; mains needs an isolated, certified meter.

Registers after TI's data sheet SBOS448. All in integers: mV, uA, mW.
"""

_CONFIGURATION = 0x00
_BUS_VOLTAGE = 0x02
_CURRENT = 0x04
_CALIBRATION = 0x05

# 32 V range (the chip itself bears 26 V), gain 1/8 (shunt up to 320 mV), both converters averaging 128 samples
# (68 ms), shunt and bus continuously
_SETTINGS = 1 << 13 | 3 << 11 | 0xF << 7 | 0xF << 3 | 7

_OVERFLOW = 1
_BUS_LSB_MV = 4
_GAIN_ONE = 1 << 16  # calibration factors are 16.16 fixed point


class INA219:
    """A meter on an I2C bus (machine.I2C's writeto_mem and readfrom_mem_into)."""

    bidirectional = True

    def __init__(self, i2c, address: int = 0x40, shunt_mohm: int = 100, current_lsb_ua: int = 100) -> None:
        """The current register holds 15 bits: 100 uA a step measures up to 3.2 A, what 320 mV over 100 mOhm is."""
        self._i2c = i2c
        self._address = address
        self._lsb = current_lsb_ua
        # Data sheet: 0.04096 / (current LSB in A x shunt in Ohm); its lowest bit is always 0
        self._calibration = 40_960_000 // (current_lsb_ua * shunt_mohm) & 0xFFFE
        if not 0 < self._calibration < 0x10000:
            raise ValueError("shunt and current step do not fit")
        self.gains = {"voltage": _GAIN_ONE, "current": _GAIN_ONE}
        self._buffer = bytearray(2)
        self._ready = False

    def read(self) -> tuple:
        """(mV, uA, mW). Raises OSError when the chip does not answer; the next read sets it up again."""
        try:
            if not self._ready:
                self._write(_CONFIGURATION, _SETTINGS)
                self._write(_CALIBRATION, self._calibration)
                self._ready = True
            bus = self._read(_BUS_VOLTAGE)
            current = self._read(_CURRENT)
        except OSError:
            self._ready = False  # it may have lost its power and its registers
            raise
        voltage = (bus >> 3) * _BUS_LSB_MV * self.gains["voltage"] >> 16
        if bus & _OVERFLOW:
            return voltage, None, None
        if current & 0x8000:
            current -= 0x10000
        current = current * self._lsb * self.gains["current"] >> 16
        return voltage, current, voltage * current // 1_000_000

    def calibrate(self, quantity, value) -> bool:
        """Correct a factor so that what is read now is `value` (V or A); at most by 20 %."""
        if quantity not in self.gains or isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        voltage, current, _ = self.read()
        reading = voltage if quantity == "voltage" else current
        scale = 1000 if quantity == "voltage" else 1_000_000
        if not 0 < value < 30 or not reading or reading < 0:
            return False
        gain = int(value * scale) * self.gains[quantity] // reading
        if not 4 * _GAIN_ONE // 5 <= gain <= 6 * _GAIN_ONE // 5:
            return False
        self.gains[quantity] = gain
        return True

    def _write(self, register: int, value: int) -> None:
        self._i2c.writeto_mem(self._address, register, value.to_bytes(2, "big"))

    def _read(self, register: int) -> int:
        self._i2c.readfrom_mem_into(self._address, register, self._buffer)
        return self._buffer[0] << 8 | self._buffer[1]
