"""Sentences about keeping history."""

EN = {
    "history-newer": "The history state was written by a newer version of the hub (format {version}, this one reads "
    "{supported}). Install the newer version again.",
    "history-not-stored": "New measurements cannot be stored: {reason}. Plugs keep theirs and send them again later. "
    "Make room on the disk.",
    "history-not-merged": "History cannot be written to its store: {reason}. Nothing is lost, the hub tries again.",
    "history-damaged": "{count, plural, one {# record} other {# records}} of the history log could not be read after "
    "the start. Plugs send again what they still hold.",
}
DE = {
    "history-newer": "Der Stand des Verlaufs stammt von einer neueren Version des Hubs (Format {version}, diese liest "
    "{supported}). Installiere die neuere Version wieder.",
    "history-not-stored": "Neue Messwerte können nicht gespeichert werden: {reason}. Die Stecker behalten ihre und "
    "senden sie später noch einmal. Schaffe Platz auf dem Datenträger.",
    "history-not-merged": "Der Verlauf kann nicht in seinen Speicher geschrieben werden: {reason}. Nichts geht "
    "verloren, der Hub versucht es wieder.",
    "history-damaged": "{count, plural, one {# Eintrag} other {# Einträge}} des Verlaufsprotokolls waren nach dem "
    "Start nicht lesbar. Die Stecker senden noch einmal, was sie noch haben.",
}
