"""Sentences about pairing a plug by the code on its label."""

EN = {
    "pairing-code-invalid": "The code on the label has 16 letters and digits, as in K7QM-2XPA-9D4T-HV3N.",
    "pairing-label-other": "This is the label of another plug, {hardware_id}.",
    "pairing-busy": "Somebody else is pairing the plug {hardware_id} at the moment.",
    "pairing-too-many": "{most} plugs are being paired at the moment. Finish one of them first.",
    "pairing-own-broker": "Your home's own MQTT broker keeps the logins, so a plug cannot be paired by its code. Add it with a secret.",
    "pairing-unknown": "There is no such pairing here.",
    "pairing-cancelled": "The pairing was cancelled.",
    "pairing-expired": "The plug did not finish within ten minutes. Check that it has power and is in your network, then begin again.",
    "pairing-code-wrong": "The code does not belong to this plug. Compare it with the label and enter it again.",
    "pairing-outlets": "The new plug has {found, plural, one {# outlet} other {# outlets}}, the old one {outlets}. It cannot take its place.",
    "pairing-not-stored": "The hub could not store the plug. It tries again.",
    "pairing-hub-stopped": "The hub stopped while the plug was being paired. Begin again.",
}

DE = {
    "pairing-code-invalid": "Der Code auf dem Etikett hat 16 Buchstaben und Ziffern, wie in K7QM-2XPA-9D4T-HV3N.",
    "pairing-label-other": "Das ist das Etikett eines anderen Steckers, {hardware_id}.",
    "pairing-busy": "Jemand anderes koppelt den Stecker {hardware_id} gerade.",
    "pairing-too-many": "Gerade werden {most} Stecker gekoppelt. Schließe erst einen davon ab.",
    "pairing-own-broker": "Der eigene MQTT-Broker deines Zuhauses verwaltet die Zugänge, deshalb lässt sich ein Stecker nicht mit seinem Code koppeln. Füge ihn mit einem Geheimnis hinzu.",
    "pairing-unknown": "Diese Kopplung gibt es hier nicht.",
    "pairing-cancelled": "Die Kopplung wurde abgebrochen.",
    "pairing-expired": "Der Stecker wurde nicht innerhalb von zehn Minuten fertig. Prüf, ob er Strom hat und in deinem Netz ist, und fang neu an.",
    "pairing-code-wrong": "Der Code gehört nicht zu diesem Stecker. Vergleich ihn mit dem Etikett und gib ihn neu ein.",
    "pairing-outlets": "Der neue Stecker hat {found, plural, one {# Steckdose} other {# Steckdosen}}, der alte {outlets}. Er kann seinen Platz nicht einnehmen.",
    "pairing-not-stored": "Der Hub konnte den Stecker nicht speichern. Er versucht es noch einmal.",
    "pairing-hub-stopped": "Der Hub wurde angehalten, während der Stecker gekoppelt wurde. Fang neu an.",
}
