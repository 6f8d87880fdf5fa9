"""Sentences about the registry's file."""

EN = {
    "database-newer": "{file} was written by a newer hub (schema {version}). Update this hub, or put back the copy "
    "in the folder backups that was saved before the update.",
    "database-damaged": "{file} is damaged: {reason}. Verified copies are in the folder backups beside it.",
    "database-unreadable": "{file} cannot be opened: {reason}",
}

DE = {
    "database-newer": "{file} wurde von einem neueren Hub geschrieben (Schema {version}). Aktualisiere diesen Hub, oder "
    "nimm die Kopie aus dem Ordner backups, die vor dem Update gespeichert wurde.",
    "database-damaged": "{file} ist beschädigt: {reason}. Geprüfte Kopien liegen daneben im Ordner backups.",
    "database-unreadable": "{file} lässt sich nicht öffnen: {reason}",
}
