"""An INA219 as the I2C bus sees it."""

from harness import equal


class Chip:
    """An INA219 as its bus sees it: registers after the data sheet, converting `volts` and `amps` at a shunt."""

    def __init__(self, shunt_ohm: float = 0.1) -> None:
        self.shunt_ohm = shunt_ohm
        self.volts = 12.0
        self.amps = 0.0
        self.overflow = False
        self.absent = False
        self.power_on()

    def power_on(self) -> None:
        self.registers = {0: 0x399F, 5: 0}

    def writeto_mem(self, address: int, register: int, data: bytes) -> None:
        self._answer(address)
        equal(len(data), 2)
        value = int.from_bytes(data, "big")
        self.registers[register] = value & 0xFFFE if register == 5 else value

    def readfrom_mem_into(self, address: int, register: int, buffer) -> None:
        self._answer(address)
        value = self._value(register) & 0xFFFF
        buffer[0] = value >> 8
        buffer[1] = value & 0xFF

    def _answer(self, address: int) -> None:
        if self.absent or address != 0x40:
            raise OSError(19)

    def _value(self, register: int) -> int:
        shunt = round(self.amps * self.shunt_ohm / 0.00001)
        if register == 1:
            return shunt
        if register == 2:
            return int(self.volts / 0.004) << 3 | 2 | (1 if self.overflow else 0)
        if register == 4:  # data sheet, equation 4
            value = abs(shunt) * self.registers[5] // 4096
            return value if shunt >= 0 else -value
        return self.registers[register]
