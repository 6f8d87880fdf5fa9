"""The plug's firmware: MicroPython on an ESP32 or on its unix port, and plain CPython for the demo and for tests."""
