"""The firmware itself: sampling, ring, replay, MQTT, commands. The same files run on every board."""

NAME = "smartplug"
VERSION = "0.1.0"
