"""The INA219 driver against the chip's register file, with the numbers of its data sheet."""

from harness import equal, main, raises
from ina219_chip import Chip

from firmware.boards.ina219 import INA219


def test_configuration_of_the_data_sheet() -> None:
    chip = Chip()
    INA219(chip).read()
    equal(chip.registers[5], 4096)  # 0.04096 / (100 uA x 0.1 Ohm)
    configuration = chip.registers[0]
    equal(configuration >> 13 & 1, 1)  # 32 V
    equal(configuration >> 11 & 3, 3)  # gain 1/8: 320 mV
    equal(configuration & 7, 7)  # shunt and bus, continuous


def test_other_shunts() -> None:
    chip = Chip(0.01)
    meter = INA219(chip, 0x40, 10, 1000)
    equal((chip.registers[5], meter.read()[1], chip.registers[5]), (0, 0, 4096))
    chip.amps = 20.0
    equal(meter.read()[1], 20_000_000)
    raises(ValueError, INA219, chip, 0x40, 1, 1)
    raises(ValueError, INA219, chip, 0x40, 1_000_000, 10_000)


def test_reading() -> None:
    chip = Chip()
    chip.volts, chip.amps = 12.0, 1.5
    equal(INA219(chip).read(), (12_000, 1_500_000, 18_000))
    chip.volts, chip.amps = 26.0, 3.2
    equal(INA219(chip).read(), (26_000, 3_200_000, 83_200))


def test_current_backwards_is_export() -> None:
    chip = Chip()
    chip.amps = -0.5
    voltage, current, power = INA219(chip).read()
    equal((voltage, current, power), (12_000, -500_000, -6000))


def test_overflow_is_no_reading() -> None:
    chip = Chip()
    chip.overflow = True
    equal(INA219(chip).read(), (12_000, None, None))


def test_a_chip_that_lost_its_power_is_set_up_again() -> None:
    chip = Chip()
    chip.amps = 1.0
    meter = INA219(chip)
    meter.read()
    chip.absent = True
    raises(OSError, meter.read)
    chip.absent = False
    chip.power_on()
    equal(meter.read()[1], 1_000_000)


def test_calibration() -> None:
    chip = Chip()
    chip.volts, chip.amps = 12.0, 1.0
    meter = INA219(chip)
    equal(meter.calibrate("voltage", 12.12), True)
    equal(meter.calibrate("current", 0.95), True)
    voltage, current, power = meter.read()
    assert abs(voltage - 12_120) <= 1, voltage
    assert abs(current - 950_000) <= 20, current
    equal(power, voltage * current // 1_000_000)


def test_a_calibration_that_makes_no_sense_changes_nothing() -> None:
    chip = Chip()
    meter = INA219(chip)
    for quantity, value in (
        ("voltage", 24),
        ("voltage", 0),
        ("voltage", -12),
        ("voltage", "12"),
        ("voltage", True),
        ("voltage", float("nan")),
        ("voltage", None),
        ("current", 1.0),
        ("power", 12),
        (None, 12),
        (3, 12),
    ):
        equal(meter.calibrate(quantity, value), False)
    equal(meter.read()[0], 12_000)


main(globals())
