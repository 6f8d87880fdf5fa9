"""Sentences about keeping history."""

EN = {
    "history-newer": "The history state was written by a newer version of the hub (format {version}, this one reads "
    "{supported}). Install the newer version again.",
    "history-not-stored": "New measurements cannot be stored: {reason}. Plugs keep theirs and send them again later. "
    "Make room on the disk.",
    "history-not-saved": "The last {samples, plural, one {# sample} other {# samples}} could not be saved; the log says "
    "why. The plugs keep theirs and send them again as soon as a hub can store them.",
    "history-not-merged": "History cannot be written to its store: {reason}. Nothing is lost, the hub tries again.",
    "history-damaged": "{count, plural, one {# record} other {# records}} of the history log could not be read after "
    "the start. Plugs send again what they still hold.",
    "history-pieces-damaged": "{count, plural, one {# piece} other {# pieces}} of the history could not be read and "
    "{count, plural, one {is} other {are}} set aside ({what}). Everything else is there. Plugs send again the samples "
    "that they still hold; what they do not hold any more stays a gap.",
    "history-store-lost": "The history database was damaged and is now kept as {file}. The hub has begun a new one; "
    "plugs send again what they still hold. Put back a backup if there is one, or save what can be read with "
    "plughub history rebuild.",
    "history-state-lost": "The notes that the hub keeps about its history were damaged ({file}). They were rebuilt from "
    "the history itself for {outlets, plural, one {# outlet} other {# outlets}}; why older gaps came about is lost.",
    "history-space": "The disk is nearly full: {free} MB are left. The oldest single measurements were removed to make "
    "room; what was measured then is shown in minutes. Make room on the disk.",
    "history-disk-low": "The disk is nearly full: {free} MB are left. When no more can be stored the plugs keep their "
    "measurements as long as they can. Make room on the disk.",
    "history-dated-ahead": "The hub's clock was ahead: measurements of {outlets, plural, one {# outlet} other {# "
    "outlets}} are dated up to {days, plural, one {# day} other {# days}} into the future. They stay until their time "
    "has passed.",
    "history-file-damaged": "{file} is damaged ({reason}). plughub history rebuild sets it aside and begins anew; so "
    "does the next start of the hub.",
    "history-log-lost": "The history log was damaged and is now kept as {file}. What it held was not in the history "
    "yet; plugs send again what they still hold.",
    "history-log-moved": "The disk can no longer read a part of the history log. What could be read was copied to a new "
    "file; the old one is kept as {file}. Disks that begin to do so soon fail: make a backup and replace it.",
}
DE = {
    "history-newer": "Der Stand des Verlaufs stammt von einer neueren Version des Hubs (Format {version}, diese liest "
    "{supported}). Installiere die neuere Version wieder.",
    "history-not-stored": "Neue Messwerte können nicht gespeichert werden: {reason}. Die Stecker behalten ihre und "
    "senden sie später noch einmal. Schaffe Platz auf dem Datenträger.",
    "history-not-saved": "Die letzten {samples, plural, one {# Messung} other {# Messungen}} konnten nicht gespeichert "
    "werden; das Protokoll sagt, warum. Die Stecker behalten sie und senden sie, sobald ein Hub sie speichern kann.",
    "history-not-merged": "Der Verlauf kann nicht in seinen Speicher geschrieben werden: {reason}. Nichts geht "
    "verloren, der Hub versucht es wieder.",
    "history-damaged": "{count, plural, one {# Eintrag} other {# Einträge}} des Verlaufsprotokolls waren nach dem "
    "Start nicht lesbar. Die Stecker senden noch einmal, was sie noch haben.",
    "history-pieces-damaged": "{count, plural, one {# Stück} other {# Stücke}} des Verlaufs {count, plural, one {war} "
    "other {waren}} nicht lesbar und {count, plural, one {liegt} other {liegen}} jetzt beiseite ({what}). Alles andere "
    "ist da. Die Stecker senden die Messwerte noch einmal, die sie noch haben; was sie nicht mehr haben, bleibt eine "
    "Lücke.",
    "history-store-lost": "Die Datenbank des Verlaufs war beschädigt und liegt jetzt als {file} daneben. Der Hub hat "
    "eine neue begonnen; die Stecker senden noch einmal, was sie noch haben. Spiele eine Sicherung ein, wenn du eine "
    "hast, oder rette mit plughub history rebuild, was lesbar ist.",
    "history-state-lost": "Die Notizen des Hubs zu seinem Verlauf waren beschädigt ({file}). Sie wurden für {outlets, "
    "plural, one {# Steckdose} other {# Steckdosen}} aus dem Verlauf selbst neu aufgebaut; warum ältere Lücken "
    "entstanden, ist verloren.",
    "history-space": "Der Datenträger ist fast voll: {free} MB sind noch frei. Die ältesten Einzelmesswerte wurden "
    "gelöscht, um Platz zu schaffen; was älter ist, zeigt der Hub in Minuten. Schaffe Platz auf dem Datenträger.",
    "history-disk-low": "Der Datenträger ist fast voll: {free} MB sind noch frei. Kann nichts mehr gespeichert werden, "
    "behalten die Stecker ihre Messwerte, so lange sie können. Schaffe Platz auf dem Datenträger.",
    "history-dated-ahead": "Die Uhr des Hubs ging vor: Messwerte von {outlets, plural, one {# Steckdose} other {# "
    "Steckdosen}} liegen bis zu {days, plural, one {# Tag} other {# Tage}} in der Zukunft. Sie bleiben, bis ihre Zeit "
    "vorbei ist.",
    "history-file-damaged": "{file} ist beschädigt ({reason}). plughub history rebuild legt die Datei beiseite und "
    "beginnt neu; ebenso der nächste Start des Hubs.",
    "history-log-lost": "Das Verlaufsprotokoll war beschädigt und liegt jetzt als {file} daneben. Was darin stand, war "
    "noch nicht im Verlauf; die Stecker senden noch einmal, was sie noch haben.",
    "history-log-moved": "Der Datenträger kann einen Teil des Verlaufsprotokolls nicht mehr lesen. Was lesbar war, steht "
    "in einer neuen Datei; die alte liegt als {file} daneben. Solche Datenträger fallen oft bald ganz aus: Mach eine "
    "Sicherung und ersetze ihn.",
}
