"""MQTT: owns the sockets, serves plugs itself (lane) and hands every other client to amqtt (embedded)."""
