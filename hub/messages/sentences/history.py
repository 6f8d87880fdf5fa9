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
    "history-store-lost": "The history database was damaged and is now kept as {file}. The hub has begun a new one, and "
    "takes over what can be read of the old one while it runs; that may take some hours. Plugs send again what they "
    "still hold.",
    "history-store-waits": "The history database was damaged and is now kept as {file}. The hub has begun a new one, and "
    "cannot take over now what can be read of the old one: {reason}. It tries again in {minutes, plural, one {# minute} "
    "other {# minutes}}, later less often, and at each start. Make room where the disk is full. Nothing of the old one "
    "is lost meanwhile.",
    "history-store-saved": "The history database was damaged and is now kept as {file}. What could be read of it is "
    "there again: {samples, plural, one {# measurement} other {# measurements}}. {lost, plural, =0 {Nothing was "
    "lost.} one {One piece was lost ({what}).} other {# pieces were lost, among them: {what}.}} {backup, select, none "
    "{} other {A backup may still hold them: stop the hub, run {restore} and start it again.}} When you miss nothing, "
    "{file} can be deleted.",
    "history-store-not-saved": "The history database was damaged and is now kept as {file}. The hub has begun a new one "
    "and could not take over what the old one holds ({reason}). To take it over, stop the hub, run {command} and start "
    "it again. {backup, select, none {There is no backup with history.} other {The same goes for the backup {backup}: "
    "{restore}}}",
    "history-salvage-no-room": "it needs {needed} MB on the disk, and {free} MB are free",
    "history-salvage-ended": "the hub ended each of the {tries} times that it tried",
    "history-salvage-too-many": "{count} damaged databases lie there, so the disk seems to break them again and again; "
    "replace it, and delete what you do not need of them",
    "history-salvage-not-possible": "this kind of store cannot do so by itself",
    "history-state-lost": "The notes that the hub keeps about its history were damaged ({file}). They were rebuilt from "
    "the history itself for {outlets, plural, one {# outlet} other {# outlets}}; why older gaps came about is lost.",
    "history-rebuilding": "The notes that the hub keeps about its history are lost or damaged. It makes them anew from "
    "the history itself, {share} % are done. Meanwhile it measures, switches and shows charts as ever; earlier gaps "
    "and checks of the history wait until it is done, and backups leave the history out.",
    "history-rebuild-waits": "The notes that the hub keeps about its history are lost or damaged, and cannot be made anew "
    "from the history now: {reason}. It measures, switches and shows charts as ever; some earlier gaps are not listed. It "
    "tries again in {minutes, plural, one {# minute} other {# minutes}}. If this goes on, check the disk.",
    "history-space": "The disk is nearly full: {free} MB are left. The oldest single measurements were removed to make "
    "room; what was measured then is shown in minutes. Make room on the disk.",
    "history-disk-low": "The disk is nearly full: {free} MB are left. When no more can be stored the plugs keep their "
    "measurements as long as they can. Make room on the disk.",
    "history-dated-ahead": "The hub's clock was ahead and is right again. Measurements of {outlets, plural, one {# "
    "outlet} other {# outlets}} from before are dated up to {days, plural, =0 {{hours, plural, one {# hour} other {# "
    "hours}}} one {# day} other {# days}} into the future. They stay there, and this message goes when that time has "
    "come. Make sure that the device on which the hub runs gets its time from the network.",
    "clock-uncertain": "The hub does not know the time: {why, select, behind {its clock shows an earlier time than "
    "before} other {nothing has told it since it was started}}. It keeps all measurements; schedules and backups wait. "
    "Make sure that the device on which the hub runs gets its time from the network. If its clock is right, confirm it "
    "there with plughub history confirm-time.",
    "history-file-damaged": "{file} is damaged ({reason}). plughub history rebuild sets it aside and begins anew; so "
    "does the next start of the hub.",
    "history-log-lost": "The history log was damaged and is now kept as {file}. What it held was not in the history "
    "yet; plugs send again what they still hold.",
    "history-log-gone": "The history log was missing or cut short when the hub started. What was measured since the last "
    "merge and stood in it is lost; plugs send again what they still hold, and the rest stays a gap.",
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
    "eine neue begonnen und übernimmt im Betrieb, was von der alten lesbar ist; das kann einige Stunden dauern. Die "
    "Stecker senden noch einmal, was sie noch haben.",
    "history-store-waits": "Die Datenbank des Verlaufs war beschädigt und liegt jetzt als {file} daneben. Der Hub hat "
    "eine neue begonnen und kann jetzt nicht übernehmen, was von der alten lesbar ist: {reason}. Er versucht es in "
    "{minutes, plural, one {# Minute} other {# Minuten}} wieder, später seltener, und bei jedem Start. Schaffe Platz, wenn "
    "der Datenträger voll ist. Von der alten geht dabei nichts verloren.",
    "history-store-saved": "Die Datenbank des Verlaufs war beschädigt und liegt jetzt als {file} daneben. Was davon "
    "lesbar war, ist wieder da: {samples, plural, one {# Messung} other {# Messungen}}. {lost, plural, =0 {Nichts ging "
    "verloren.} one {Ein Stück ging verloren ({what}).} other {# Stücke gingen verloren, darunter: {what}.}} {backup, "
    "select, none {} other {Eine Sicherung hat sie vielleicht noch: Halte den Hub an, führe {restore} aus und starte "
    "ihn wieder.}} Wenn dir nichts fehlt, kannst du {file} löschen.",
    "history-store-not-saved": "Die Datenbank des Verlaufs war beschädigt und liegt jetzt als {file} daneben. Der Hub "
    "hat eine neue begonnen und konnte nicht übernehmen, was die alte enthält ({reason}). Um es zu übernehmen, halte den "
    "Hub an, führe {command} aus und starte ihn wieder. {backup, select, none {Es gibt keine Sicherung mit Verlauf.} "
    "other {Ebenso geht es mit der Sicherung {backup}: {restore}}}",
    "history-salvage-no-room": "dafür sind {needed} MB auf dem Datenträger nötig, {free} MB sind frei",
    "history-salvage-ended": "der Hub endete jedes der {tries} Male, als er es versuchte",
    "history-salvage-too-many": "{count} beschädigte Datenbanken liegen dort, der Datenträger beschädigt sie also wohl "
    "immer wieder; ersetze ihn, und lösche davon, was du nicht brauchst",
    "history-salvage-not-possible": "diese Art von Speicher kann das nicht von selbst",
    "history-state-lost": "Die Notizen des Hubs zu seinem Verlauf waren beschädigt ({file}). Sie wurden für {outlets, "
    "plural, one {# Steckdose} other {# Steckdosen}} aus dem Verlauf selbst neu aufgebaut; warum ältere Lücken "
    "entstanden, ist verloren.",
    "history-rebuilding": "Die Notizen des Hubs zu seinem Verlauf sind verloren oder beschädigt. Er baut sie aus dem "
    "Verlauf selbst neu auf, {share} % sind fertig. Solange misst, schaltet und zeigt er wie immer; frühere Lücken "
    "und Prüfungen des Verlaufs warten, bis er fertig ist, und Sicherungen lassen den Verlauf aus.",
    "history-rebuild-waits": "Die Notizen des Hubs zu seinem Verlauf sind verloren oder beschädigt und lassen sich gerade "
    "nicht aus dem Verlauf neu aufbauen: {reason}. Er misst, schaltet und zeigt wie immer; manche früheren Lücken fehlen. Er "
    "versucht es in {minutes, plural, one {# Minute} other {# Minuten}} wieder. Wenn das anhält, prüfe den Datenträger.",
    "history-space": "Der Datenträger ist fast voll: {free} MB sind noch frei. Die ältesten Einzelmesswerte wurden "
    "gelöscht, um Platz zu schaffen; was älter ist, zeigt der Hub in Minuten. Schaffe Platz auf dem Datenträger.",
    "history-disk-low": "Der Datenträger ist fast voll: {free} MB sind noch frei. Kann nichts mehr gespeichert werden, "
    "behalten die Stecker ihre Messwerte, so lange sie können. Schaffe Platz auf dem Datenträger.",
    "history-dated-ahead": "Die Uhr des Hubs ging vor und geht jetzt richtig. Messwerte von {outlets, plural, one {# "
    "Steckdose} other {# Steckdosen}} aus der Zeit davor liegen bis zu {days, plural, =0 {{hours, plural, one {# "
    "Stunde} other {# Stunden}}} one {# Tag} other {# Tage}} in der Zukunft. Sie bleiben dort, und diese Meldung "
    "verschwindet, sobald es so spät ist. Sorge dafür, dass das Gerät, auf dem der Hub läuft, seine Zeit aus dem Netz "
    "bekommt.",
    "clock-uncertain": "Der Hub kennt die Uhrzeit nicht: {why, select, behind {seine Uhr zeigt eine frühere Zeit als "
    "vorher} other {seit dem Start hat sie ihm niemand gesagt}}. Er behält alle Messwerte; Zeitpläne und Sicherungen "
    "warten. Sorge dafür, dass das Gerät, auf dem der Hub läuft, seine Zeit aus dem Netz bekommt. Geht seine Uhr "
    "richtig, bestätige das dort mit plughub history confirm-time.",
    "history-file-damaged": "{file} ist beschädigt ({reason}). plughub history rebuild legt die Datei beiseite und "
    "beginnt neu; ebenso der nächste Start des Hubs.",
    "history-log-lost": "Das Verlaufsprotokoll war beschädigt und liegt jetzt als {file} daneben. Was darin stand, war "
    "noch nicht im Verlauf; die Stecker senden noch einmal, was sie noch haben.",
    "history-log-gone": "Das Verlaufsprotokoll fehlte beim Start des Hubs oder war abgeschnitten. Was seit der letzten "
    "Übernahme gemessen wurde und darin stand, ist verloren; die Stecker senden noch einmal, was sie noch haben, der Rest "
    "bleibt eine Lücke.",
    "history-log-moved": "Der Datenträger kann einen Teil des Verlaufsprotokolls nicht mehr lesen. Was lesbar war, steht "
    "in einer neuen Datei; die alte liegt als {file} daneben. Solche Datenträger fallen oft bald ganz aus: Mach eine "
    "Sicherung und ersetze ihn.",
}
