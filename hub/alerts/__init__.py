"""Alerts: rules about an outlet's power or a plug's absence, their states, and the messages that tell people."""

from hub.alerts.alert import Alert
from hub.alerts.alerts import Alerts
from hub.alerts.delivery import Delivery, Record
from hub.alerts.herald import Herald
from hub.alerts.past import Ended, Past
from hub.alerts.watch import Watch

__all__ = ["Alert", "Alerts", "Delivery", "Ended", "Herald", "Past", "Record", "Watch"]
