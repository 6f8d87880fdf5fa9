"""Sentences of the history's log and store."""

EN = {
    "log-newer": "The history log was written by a newer version of the hub (format {version}, this one reads "
    "{supported}). Install the newer version again.",
    "store-newer": "The history database was written by a newer version of the hub (format {version}, this one reads "
    "{supported}). Install the newer version again.",
    "store-foreign": "{path} is not a history database of this hub. Move it away or choose another data folder.",
    "series-range-invalid": "The start of the range must lie before its end.",
    "bucket-unknown": "There are no points of {bucket}. Possible are {known}.",
    "too-many-points": "That would be more than {limit} points of {bucket}. Ask for longer ones or a shorter range.",
    "history-unreadable": "The history cannot be read at the moment ({reason}).",
    "zone-unknown": "The time zone {zone} does not exist. An example of one that does is Europe/Berlin.",
}
DE = {
    "log-newer": "Das Verlaufsprotokoll stammt von einer neueren Version des Hubs (Format {version}, diese liest "
    "{supported}). Installiere die neuere Version wieder.",
    "store-newer": "Die Verlaufsdatenbank stammt von einer neueren Version des Hubs (Format {version}, diese liest "
    "{supported}). Installiere die neuere Version wieder.",
    "store-foreign": "{path} ist keine Verlaufsdatenbank dieses Hubs. Verschiebe die Datei oder wähle einen "
    "anderen Datenordner.",
    "series-range-invalid": "Der Anfang des Zeitraums muss vor seinem Ende liegen.",
    "bucket-unknown": "Punkte von {bucket} gibt es nicht. Möglich sind {known}.",
    "too-many-points": "Das wären mehr als {limit} Punkte von {bucket}. Wähle längere oder einen kürzeren Zeitraum.",
    "history-unreadable": "Der Verlauf ist gerade nicht lesbar ({reason}).",
    "zone-unknown": "Die Zeitzone {zone} gibt es nicht. Eine, die es gibt, ist zum Beispiel Europe/Berlin.",
}
