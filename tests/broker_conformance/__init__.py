"""The standard, statement by statement, against the hub's broker and against Mosquitto."""
