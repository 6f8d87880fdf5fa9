"""Sentences of the ntfy plugin."""

EN = {
    "ntfy-unreachable": "The ntfy server {server} did not answer: {detail}.",
    "ntfy-login": "The ntfy server {server} refused the login. Check token, user and password.",
    "ntfy-forbidden": "The ntfy server {server} does not let this login write to the topic “{topic}”.",
    "ntfy-limit": "The ntfy server {server} takes no more messages for now: its limit is reached.",
    "ntfy-refused": "The ntfy server {server} refused the message ({status}): {detail}.",
    "ntfy-expected-topic": "A topic has 1 to 64 letters, digits, - and _.",
    "ntfy-expected-one-login": "It takes either a token, or user and password.",
    "ntfy-broken": "The ntfy server {server} has an error of its own ({status}).",
}

DE = {
    "ntfy-unreachable": "Der ntfy-Server {server} antwortet nicht: {detail}.",
    "ntfy-login": "Der ntfy-Server {server} lehnt die Anmeldung ab. Prüf Token, Benutzer und Passwort.",
    "ntfy-forbidden": "Der ntfy-Server {server} lässt diese Anmeldung nicht in das Thema „{topic}“ schreiben.",
    "ntfy-limit": "Der ntfy-Server {server} nimmt gerade keine Nachrichten mehr an: Seine Grenze ist erreicht.",
    "ntfy-refused": "Der ntfy-Server {server} lehnt die Nachricht ab ({status}): {detail}.",
    "ntfy-expected-topic": "Ein Thema hat 1 bis 64 Buchstaben, Ziffern, - und _.",
    "ntfy-expected-one-login": "Hier steht entweder ein Token oder Benutzer und Passwort.",
    "ntfy-broken": "Der ntfy-Server {server} hat selbst einen Fehler ({status}).",
}
