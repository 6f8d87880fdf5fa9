"""Sentences of the MQTT broker: why it cannot listen."""

EN = {
    "port-in-use": "Port {port} is already in use by another program. Stop that program or set another port.",
    "port-not-allowed": "The hub may not listen on port {port}. Choose a port above 1023 or start it with the right to.",
    "address-unavailable": "This machine does not have the address {host}, so port {port} cannot be opened on it.",
    "listen-failed": "Port {port} on {host} cannot be opened: {reason}.",
}

DE = {
    "port-in-use": "Port {port} wird schon von einem anderen Programm benutzt. Beende es oder stelle einen anderen Port ein.",
    "port-not-allowed": "Der Hub darf Port {port} nicht öffnen. Wähle einen Port über 1023 oder gib ihm das Recht dazu.",
    "address-unavailable": "Dieses Gerät hat die Adresse {host} nicht; Port {port} lässt sich darauf nicht öffnen.",
    "listen-failed": "Port {port} auf {host} lässt sich nicht öffnen: {reason}.",
}
