"""The certificate that the configuration names, looked at before a start: what is wrong, and in which line."""

from datetime import UTC, datetime
from pathlib import Path

from hub.broker.tls import Certificate, require_readable, server_context, valid
from hub.config import LoadedConfiguration, Problem
from hub.messages import HubError, Message

TLS = ("network", "mqtt", "tls")


def check_certificate(loaded: LoadedConfiguration) -> list[Problem]:
    """Adds to the problems of `loaded` what keeps the broker from starting; returns what only keeps its clients away:
    that the certificate is not valid now."""
    certificate, key = (loaded.value((*TLS, name)) for name in ("certificate", "key"))
    wrong = any(not isinstance(path, str) or not path.startswith("/") for path in (certificate, key))
    if wrong or loaded.value(("network", "mqtt", "external")):
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
        loaded.add(loaded.problem((*TLS, "key" if of_key else "certificate"), fault.message))
    return [] if faults else _dates(loaded, files.certificate)


def _unreadable(file: Path) -> HubError | None:
    try:
        require_readable(file)
    except HubError as error:
        return error
    return None


def _dates(loaded: LoadedConfiguration, file: Path) -> list[Problem]:
    begin, end = valid(file)
    now = datetime.now(UTC)
    if begin <= now < end:
        return []
    id, date = ("tls-certificate-expired", end) if now >= end else ("tls-certificate-early", begin)
    return [loaded.problem((*TLS, "certificate"), Message(id, {"file": str(file), "date": date.date().isoformat()}))]
