"""Sentences about the registry's file."""

EN = {
    "database-newer": "{file} was written by a newer hub (schema {version}). Update this hub, or put back the copy "
    "in the folder backups that was saved before the update.",
    "database-foreign": "{file} is a database of something else, not the registry of a hub. Move it away. Then put the "
    "newest copy from the folder backups beside it in its place, or bring a backup back with plughub restore. Without "
    "either, the next start begins a new home.",
    "database-damaged": "{file} is damaged: {reason}. Verified copies are in the folder backups beside it.",
    "database-restored": "The registry (people, plugs, rules) was damaged and is now kept as {file}. The copy {copy} "
    "has taken its place: what was changed after it is lost. Check people, plugs and passwords.",
    "database-lost": "The registry (people, plugs, rules) was damaged and is now kept as {file}. There was no good copy: "
    "the hub began a new one. Put back a backup, or set the hub up again with the code in setup-code.txt.",
    "database-copy-failed": "{file} was not brought to this version, because no copy could be saved in {folder} first: "
    "{reason}. Make room there and start again. Nothing was changed: the version before still runs with it.",
    "database-upgrade-failed": "{file} could not be brought to this version (step {step}): {reason}. Nothing was changed: "
    "go back to the version before, which still runs with it, and tell us of this. A copy is in {copy}.",
    "database-unreadable": "{file} cannot be opened: {reason}. Check who owns it and whether its disk is full or "
    "read-only.",
    "registry-faults": "{count, plural, one {# value} other {# values}} in registry.sqlite cannot be used: {what}. The "
    "file was not changed. Schedules and alerts among them are switched off, people, keys and shares give no right, and "
    "the rest has a default. Look at these in the app and save them anew, or delete them there. What the app does not "
    "show comes back with a backup, or with the hub stopped by correcting the row. The hub's log names all of them.",
    "registry-row-held": "This is in the registry already, in a row of {table} that the hub cannot use and left out when "
    "it started. Its problem registry-faults and its log name that row. Stop the hub and correct or delete the row in "
    "registry.sqlite, or bring a backup back.",
    "database-unwritable": "Nothing was changed, because the hub's disk takes nothing more ({reason}). Make room on it, "
    "or replace it.",
}

DE = {
    "database-newer": "{file} wurde von einem neueren Hub geschrieben (Schema {version}). Aktualisiere diesen Hub, oder "
    "nimm die Kopie aus dem Ordner backups, die vor dem Update gespeichert wurde.",
    "database-foreign": "{file} ist eine Datenbank von etwas anderem, nicht das Verzeichnis eines Hubs. Verschiebe die "
    "Datei. Leg dann die neueste Kopie aus dem Ordner backups daneben an ihre Stelle, oder spiele mit plughub restore "
    "eine Sicherung ein. Ohne beides beginnt der nächste Start ein neues Zuhause.",
    "database-damaged": "{file} ist beschädigt: {reason}. Geprüfte Kopien liegen daneben im Ordner backups.",
    "database-restored": "Das Verzeichnis (Personen, Stecker, Regeln) war beschädigt und liegt jetzt als {file} "
    "daneben. Die Kopie {copy} ist an seine Stelle getreten: was danach geändert wurde, ist verloren. Prüfe Personen, "
    "Stecker und Passwörter.",
    "database-lost": "Das Verzeichnis (Personen, Stecker, Regeln) war beschädigt und liegt jetzt als {file} daneben. "
    "Eine gute Kopie gab es nicht: der Hub hat ein neues begonnen. Spiele eine Sicherung ein, oder richte den Hub mit "
    "dem Code aus setup-code.txt neu ein.",
    "database-copy-failed": "{file} wurde nicht auf diese Version gebracht, weil sich vorher keine Kopie in {folder} "
    "speichern ließ: {reason}. Schaffe dort Platz und starte neu. Es wurde nichts geändert: die Version davor läuft damit weiter.",
    "database-upgrade-failed": "{file} ließ sich nicht auf diese Version bringen (Schritt {step}): {reason}. Es wurde nichts "
    "geändert: geh auf die Version davor zurück, die damit weiter läuft, und sag uns Bescheid. Eine Kopie liegt in {copy}.",
    "database-unreadable": "{file} lässt sich nicht öffnen: {reason}. Prüfe, wem sie gehört und ob ihr Datenträger voll "
    "oder schreibgeschützt ist.",
    "registry-faults": "{count, plural, one {# Wert} other {# Werte}} in registry.sqlite {count, plural, one {ist} other "
    "{sind}} nicht brauchbar: {what}. Die Datei wurde nicht geändert. Zeitpläne und Alarme darunter sind ausgeschaltet, "
    "Personen, Schlüssel und Freigaben geben kein Recht, für den Rest gilt ein Standardwert. Sieh sie dir in der App an "
    "und speichere sie neu, oder lösche sie dort. Was die App nicht zeigt, kommt mit einer Sicherung zurück, oder indem "
    "du bei angehaltenem Hub die Zeile berichtigst. Im Log des Hubs stehen alle.",
    "registry-row-held": "Das steht schon im Verzeichnis, in einer Zeile von {table}, die der Hub nicht verwenden kann und "
    "beim Start ausgelassen hat. Sein Problem registry-faults und sein Log nennen die Zeile. Halte den Hub an und "
    "berichtige oder lösche sie in registry.sqlite, oder spiele eine Sicherung ein.",
    "database-unwritable": "Es wurde nichts geändert, weil der Datenträger des Hubs nichts mehr aufnimmt ({reason}). "
    "Schaffe dort Platz oder ersetze ihn.",
}
