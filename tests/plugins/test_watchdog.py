"""The watchdog counts the loop thread's CPU time: what burns it is named, what waits is not."""

import logging
import threading
import time

import pytest

from hub.plugins.watchdog import Watchdog


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_burning_is_reported_and_waiting_is_not() -> None:
    reported: list[tuple[str, str]] = []
    dog = Watchdog(lambda owner, what, seconds: reported.append((owner, what)), limit=0.02)
    dog.run("a", "waits", time.sleep, 0.05)
    dog.run("a", "burns", burn, 0.03)
    assert reported == [("a", "burns")]


def test_what_raises_is_measured_too() -> None:
    reported: list[str] = []
    dog = Watchdog(lambda owner, what, seconds: reported.append(what), limit=0.02)

    def failing() -> None:
        burn(0.03)
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        dog.run("a", "fails", failing)
    assert reported == ["fails"]


def test_time_of_an_inner_call_is_not_the_outers() -> None:
    reported: list[str] = []
    dog = Watchdog(lambda owner, what, seconds: reported.append(owner), limit=0.02)
    dog.run("outer", "publishes", lambda: dog.run("inner", "handles", burn, 0.03))
    assert reported == ["inner"]


def test_a_call_that_does_not_end_is_named_with_its_line(caplog: pytest.LogCaptureFixture) -> None:
    named = threading.Event()

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "holds the event loop" in record.getMessage():
                named.set()

    handler = Heard()
    logger = logging.getLogger("hub.plugins")
    logger.addHandler(handler)
    dog = Watchdog(lambda owner, what, seconds: None, limit=0.02, interval=0.005)

    def until_named() -> None:
        while not named.is_set():
            pass

    dog.start()
    try:
        dog.run("stuck", "DeviceAdded", until_named)
    finally:
        dog.stop()
        logger.removeHandler(handler)
    assert "plugin stuck holds the event loop: DeviceAdded" in caplog.text
    assert "test_watchdog.py:" in caplog.text
    assert not [thread for thread in threading.enumerate() if thread.name == "plugin-watchdog"]
