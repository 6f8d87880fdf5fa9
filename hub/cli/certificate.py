"""plughub certificate: what HTTPS and MQTT over TLS use, new certificates, and the authorities as files."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from hub.auth.certificates import BrowserIssuer, Issuer, PlugIssuer, hub_names
from hub.auth.certificates.service import FOLDER, see
from hub.auth.certificates.x509 import Pair, der, from_text, pem, utc
from hub.cli.folders import add_data_option
from hub.cli.place import StoppedHub, on_hub
from hub.cli.speech import print_json, say, sentence
from hub.client import HubClient
from hub.client.client import JsonObject
from hub.clock import Clock
from hub.messages import HubError

ISSUERS: dict[str, type[Issuer]] = {"web": BrowserIssuer, "mqtt": PlugIssuer}


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help=sentence("cli-certificate-show"))
    show.add_argument("--json", action="store_true", help=sentence("cli-json"))
    renew = actions.add_parser("renew", help=sentence("cli-certificate-renew"))
    export = actions.add_parser("export", help=sentence("cli-certificate-export"))
    export.add_argument("--of", choices=tuple(ISSUERS), default="web", help=sentence("cli-certificate-of"))
    export.add_argument("--format", choices=("pem", "der"), default="pem", help=sentence("cli-certificate-format"))
    export.add_argument("-o", "--out", type=Path, metavar="FILE", help=sentence("cli-certificate-out"))
    for action in (show, renew, export):
        add_data_option(action)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    return {"show": _show, "renew": _renew, "export": _export}[args.action](args)


def _show(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> JsonObject:
        return await hub.certificates()

    async def stopped(hub: StoppedHub) -> JsonObject:
        return {name: _stored(args.data, issuer) for name, issuer in ISSUERS.items()}

    found = on_hub(args.data, running, stopped)
    if args.json:
        print_json(found)
    else:
        _print(found)
    return 0


def _renew(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> JsonObject | None:
        return await hub.renew_certificates()

    async def stopped(hub: StoppedHub) -> JsonObject | None:
        clock = Clock()
        names, now = hub_names(str(hub.settings.get("hub_id") or "")), utc(clock.now())
        issuers = [kind(args.data / FOLDER, "") for kind in ISSUERS.values() if _read(args.data, kind, "-ca")]
        if not issuers:
            raise HubError("cli-certificate-none")
        for issuer in issuers:
            issuer.ensure(names, now, now if clock.certain() else utc(0), certain=clock.certain(), anew=True)
        return None

    found = on_hub(args.data, running, stopped)
    say("cli-certificate-issued" if found is None else "cli-certificate-renewed")
    return 0


def _export(args: argparse.Namespace) -> int:
    pair = _read(args.data, ISSUERS[args.of], "-ca")
    if pair is None:
        raise HubError("cli-certificate-none")
    content = der(pair.certificate) if args.format == "der" else pem(pair.certificate).encode()
    if args.out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return 0
    try:
        args.out.write_bytes(content)
    except OSError as error:
        raise HubError("cli-certificate-file", file=str(args.out), reason=error.strerror or str(error)) from error
    say("cli-certificate-written", file=str(args.out))
    return 0


def _read(data: Path, kind: type[Issuer], suffix: str = "") -> Pair | None:
    """What the hub keeps; None where there is none, or where it is damaged, which the hub's next start mends."""
    try:
        return from_text((data / FOLDER / f"{kind.name}{suffix}.pem").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    except OSError as error:
        raise HubError("tls-file-unreadable", file=str(error.filename), reason=error.strerror or "") from error


def _stored(data: Path, kind: type[Issuer]) -> JsonObject | None:
    """The same as in the API's answer, of a hub that is stopped."""
    authority, leaf = _read(data, kind, "-ca"), _read(data, kind)
    if authority is None:
        return None
    return {"own": False, "authority": _view(authority), "certificate": None if leaf is None else _view(leaf)}


def _view(pair: Pair) -> JsonObject:
    seen = see(pair.certificate)
    ends = {"begins": int(seen.begin.timestamp()) * 1000, "ends": int(seen.end.timestamp()) * 1000}
    return {"fingerprint": seen.fingerprint, "names": seen.names, **ends}


def _print(found: JsonObject) -> None:
    for name in ISSUERS:
        server = found[name]
        heading = sentence(f"cli-certificate-{name}")
        if server is None or server["own"]:
            print(f"{heading}: {sentence('cli-certificate-off' if server is None else 'cli-certificate-own')}")
        else:
            print(heading)
        if server is None:
            continue
        if server["authority"] is not None:
            _print_one(sentence("cli-certificate-authority"), server["authority"])
        _print_one(sentence("cli-certificate-leaf"), server["certificate"])


def _print_one(what: str, shown: JsonObject | None) -> None:
    if shown is None:
        print(f"  {what}: {sentence('cli-certificate-unreadable')}")
        return
    date = datetime.fromtimestamp(shown["ends"] / 1000, UTC).date().isoformat()
    print("  " + sentence("cli-certificate-until", what=what, date=date, fingerprint=shown["fingerprint"]))
    if shown["names"]:
        print("  " + sentence("cli-certificate-names", names=", ".join(shown["names"])))
