"""When is the hub's time certain?"""

from pathlib import Path

import pytest

from hub import clock as clock_module
from hub.clock import Clock


@pytest.fixture
def pi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Raspberry Pi without hardware clock whose kernel is not synchronised; returns where rtc0 would be."""
    model = tmp_path / "model"
    model.write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    monkeypatch.setattr(clock_module, "MODEL_FILE", model)
    monkeypatch.setattr(clock_module, "RTC_DEVICE", tmp_path / "rtc0")
    monkeypatch.setattr(clock_module, "kernel_synchronised", lambda: False)
    return tmp_path / "rtc0"


def test_a_pi_that_just_woke_is_not_certain_until_the_kernel_says_so(pi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    assert not clock.certain()
    monkeypatch.setattr(clock_module, "kernel_synchronised", lambda: True)
    assert clock.certain()


def test_a_hardware_clock_or_trust_makes_it_certain(pi: Path) -> None:
    assert Clock(trusted=True).certain()
    pi.touch()
    assert Clock().certain()


def test_a_clock_behind_the_latest_certain_time_on_disk_is_not_certain(pi: Path) -> None:
    clock = Clock(trusted=True)
    clock.set_mark(clock.now() + 3_600_000)
    assert not clock.certain()


def test_an_admin_or_the_kernel_overrules_a_wrong_mark(pi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(trusted=True)
    clock.set_mark(clock.now() + 3_600_000)
    clock.confirm()
    assert clock.certain()
    assert clock.mark <= clock.now()
    other = Clock(trusted=True)
    other.set_mark(other.now() + 3_600_000)
    monkeypatch.setattr(clock_module, "kernel_synchronised", lambda: True)
    assert other.certain()


def test_elsewhere_than_on_a_pi_the_time_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(clock_module, "MODEL_FILE", tmp_path / "none")
    monkeypatch.setattr(clock_module, "RTC_DEVICE", tmp_path / "none")
    monkeypatch.setattr(clock_module, "kernel_synchronised", lambda: False)
    assert Clock().certain()


def test_asking_the_kernel_answers_a_boolean() -> None:
    assert clock_module.kernel_synchronised() in (True, False)
