"""Sentences about the registry's file."""

EN = {
    "database-newer": "{file} was written by a newer hub (schema {version}). Update this hub, or put back the copy "
    "in the folder backups that was saved before the update.",
    "database-damaged": "{file} is damaged: {reason}. Verified copies are in the folder backups beside it.",
    "database-restored": "The registry (people, plugs, rules) was damaged and is now kept as {file}. The copy {copy} "
    "has taken its place: what was changed after it is lost. Check people, plugs and passwords.",
    "database-lost": "The registry (people, plugs, rules) was damaged and is now kept as {file}. There was no good copy: "
    "the hub began a new one. Put back a backup, or set the hub up again with the code in setup-code.txt.",
    "database-unreadable": "{file} cannot be opened: {reason}",
}

DE = {
    "database-newer": "{file} wurde von einem neueren Hub geschrieben (Schema {version}). Aktualisiere diesen Hub, oder "
    "nimm die Kopie aus dem Ordner backups, die vor dem Update gespeichert wurde.",
    "database-damaged": "{file} ist beschädigt: {reason}. Geprüfte Kopien liegen daneben im Ordner backups.",
    "database-restored": "Das Verzeichnis (Personen, Stecker, Regeln) war beschädigt und liegt jetzt als {file} "
    "daneben. Die Kopie {copy} ist an seine Stelle getreten: was danach geändert wurde, ist verloren. Prüfe Personen, "
    "Stecker und Passwörter.",
    "database-lost": "Das Verzeichnis (Personen, Stecker, Regeln) war beschädigt und liegt jetzt als {file} daneben. "
    "Eine gute Kopie gab es nicht: der Hub hat ein neues begonnen. Spiele eine Sicherung ein, oder richte den Hub mit "
    "dem Code aus setup-code.txt neu ein.",
    "database-unreadable": "{file} lässt sich nicht öffnen: {reason}",
}
