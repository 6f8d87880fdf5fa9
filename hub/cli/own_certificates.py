"""The certificates that the configuration names, looked at before a start: what is wrong, and in which line."""

from datetime import UTC, datetime
from pathlib import Path

from hub.broker.tls import Certificate, require_readable, server_context, valid
from hub.config import LoadedConfiguration, Problem
from hub.messages import HubError, Message

Section = tuple[str, ...]
MQTT: Section = ("network", "mqtt", "tls")
WEB: Section = ("network", "https")


def check_certificates(loaded: LoadedConfiguration) -> list[Problem]:
    """Adds to the problems of `loaded` what keeps the hub from starting; returns what only keeps others away: that a
    certificate is not valid now."""
    sections = [WEB] if loaded.value(("network", "mqtt", "external")) else [MQTT, WEB]
    return [problem for section in sections for problem in _check(loaded, section)]


def _check(loaded: LoadedConfiguration, section: Section) -> list[Problem]:
    certificate, key = (loaded.value((*section, name)) for name in ("certificate", "key"))
    wrong = any(not isinstance(path, str) or not path.startswith("/") for path in (certificate, key))
    if wrong or loaded.value((*section, "enabled")) is False:
        return []
    files = Certificate(Path(certificate), Path(key))
    faults = [fault for file in {files.certificate: None, files.key: None} if (fault := _unreadable(file))]
    if not faults:
        try:
            server_context(files)
        except HubError as error:
            faults.append(error)
    for fault in faults:
        of_key = fault.id.startswith("tls-key") or (fault.message.values.get("file") == key != certificate)
        loaded.add(loaded.problem((*section, "key" if of_key else "certificate"), fault.message))
    return [] if faults else _dates(loaded, section, files.certificate)


def _unreadable(file: Path) -> HubError | None:
    try:
        require_readable(file)
    except HubError as error:
        return error
    return None


def _dates(loaded: LoadedConfiguration, section: Section, file: Path) -> list[Problem]:
    begin, end = valid(file)
    now = datetime.now(UTC)
    if begin <= now < end:
        return []
    id, date = ("tls-certificate-expired", end) if now >= end else ("tls-certificate-early", begin)
    message = Message(id, {"file": str(file), "date": date.date().isoformat()})
    return [loaded.problem((*section, "certificate"), message)]
