"""Sentences of `plughub demo`."""

EN = {
    "demo-data": "the hub's data folder, where it writes demo.json",
    "demo-stop": "end the demo plugs that run",
    "demo-patience": "end after this long without a hub (default: 600)",
    "demo-replay-wait": "after a reconnect replay within this long; real plugs wait up to 30 seconds (default: 5)",
    "demo-runs": "The demo plugs of {folder} are running already (process {pid}).",
    "demo-waits": "Waiting for {file}, which the hub writes when it starts with --demo.",
    "demo-started": "{count, plural, one {# demo plug is} other {# demo plugs are}} running; "
    "the hub is expected at {host}:{port}.",
    "demo-new-plug": "One more plug waits to be paired: {hardware_id}, code {code}.",
    "demo-gives-up": "No hub has answered for {minutes, plural, one {# minute} other {# minutes}}; the demo plugs end.",
    "demo-replaced": "Another demo runs for {folder} now; these demo plugs end.",
}

DE = {
    "demo-data": "der Datenordner des Hubs, in den er demo.json schreibt",
    "demo-stop": "die laufenden Demo-Stecker beenden",
    "demo-patience": "nach so vielen Sekunden ohne Hub aufhören (sonst: 600)",
    "demo-replay-wait": "nach einer neuen Verbindung innerhalb so vieler Sekunden nachliefern; "
    "echte Stecker warten bis zu 30 (sonst: 5)",
    "demo-runs": "Die Demo-Stecker von {folder} laufen schon (Prozess {pid}).",
    "demo-waits": "Warte auf {file}; der Hub schreibt die Datei, wenn er mit --demo startet.",
    "demo-started": "{count, plural, one {# Demo-Stecker läuft} other {# Demo-Stecker laufen}}; "
    "der Hub wird unter {host}:{port} erwartet.",
    "demo-new-plug": "Ein weiterer Stecker wartet darauf, gekoppelt zu werden: {hardware_id}, Code {code}.",
    "demo-gives-up": "Seit {minutes, plural, one {# Minute} other {# Minuten}} hat kein Hub geantwortet; "
    "die Demo-Stecker hören auf.",
    "demo-replaced": "Für {folder} läuft jetzt eine andere Demo; diese Demo-Stecker hören auf.",
}
