"""Sentences about schedules."""

EN = {
    "schedule-unknown": "There is no such schedule here.",
    "schedules-too-many": "A home has at most {most} schedules.",
    "schedule-missed": "The hub was not running, or did not know the time, when this was due.",
    "schedule-right-lost": "Whoever made it may no longer switch this plug, so it is off now.",
    "schedule-unconfirmed": "The plug did not answer within 5 s.",
    "schedule-refused": "The plug refused.",
}

DE = {
    "schedule-unknown": "Diesen Zeitplan gibt es hier nicht.",
    "schedules-too-many": "Ein Zuhause hat höchstens {most} Zeitpläne.",
    "schedule-missed": "Als er fällig war, lief der Hub nicht oder kannte die Zeit nicht.",
    "schedule-right-lost": "Wer ihn angelegt hat, darf diesen Stecker nicht mehr schalten, darum ist er jetzt aus.",
    "schedule-unconfirmed": "Der Stecker antwortete nicht innerhalb von 5 s.",
    "schedule-refused": "Der Stecker lehnte ab.",
}
