"""What the hub switches by itself. So far schedules: a command for an outlet, at a time of chosen days."""

from hub.automation.runner import Runner
from hub.automation.schedule import Run, Schedule
from hub.automation.schedules import Schedules

__all__ = ["Run", "Runner", "Schedule", "Schedules"]
