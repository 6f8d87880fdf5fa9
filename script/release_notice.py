"""A distributor's side of `updates:`: a key pair, the signed notice of the newest version, and what a notice says."""

import argparse
import base64
import getpass
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.messages import HubError
from hub.updates import Notice, opened, sealed

RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 1 with what was wrong on standard error."""
    args = _parser().parse_args(arguments)
    try:
        {"key": make_key, "make": make_notice, "show": show_notice}[args.action](args)
    except (OSError, TypeError, ValueError, HubError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def make_key(args: argparse.Namespace) -> None:
    """A new key pair: the private half to a file that is not there yet, the public one to standard output."""
    key = Ed25519PrivateKey.generate()
    hidden: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if args.passphrase:
        phrase = getpass.getpass("Passphrase: ")
        if not phrase or phrase != getpass.getpass("Once more: "):
            raise ValueError("They differ, or there is none.")
        hidden = serialization.BestAvailableEncryption(phrase.encode())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    with os.fdopen(os.open(args.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    print(public_half(key))


def make_notice(args: argparse.Namespace) -> None:
    """Sign what is true now; the document is read back as a hub reads it before it is written."""
    keys = [read_key(file) for file in args.key]
    now = datetime.now(UTC).replace(microsecond=0)
    notice = Notice(
        version=args.version,
        notes=args.notes,
        issued=now,
        expires=now + timedelta(days=args.days),
        secure_from=args.secure_from,
    )
    document = sealed(notice, keys)
    for key in keys:
        opened(document, [public_half(key)])
    if args.out is None:
        sys.stdout.buffer.write(document)
        return
    part = args.out.with_name(args.out.name + ".part")
    part.write_bytes(document)
    part.replace(args.out)


def show_notice(args: argparse.Namespace) -> None:
    """What a document says, if one of these keys has signed it."""
    notice = opened(args.file.read_bytes(), args.public)
    print(msgspec.json.format(msgspec.json.encode(notice), indent=2).decode())
    if notice.expires <= datetime.now(UTC):
        raise HubError("updates-expired", expires=f"{notice.expires:%Y-%m-%d}")


def read_key(file: Path) -> Ed25519PrivateKey:
    """Asks for the passphrase where the file has one. Raises TypeError or ValueError."""
    pem = file.read_bytes()
    phrase = getpass.getpass(f"Passphrase of {file}: ").encode() if b"ENCRYPTED" in pem else None
    key = serialization.load_pem_private_key(pem, phrase)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{file} holds no Ed25519 key.")
    return key


def public_half(key: Ed25519PrivateKey) -> str:
    """As it stands in `updates: keys`."""
    return base64.b64encode(key.public_key().public_bytes(*RAW)).decode()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/release-notice", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    key = actions.add_parser("key", help="make a key pair; prints the public half, for `updates: keys`")
    key.add_argument(
        "file", type=Path, help="where the private half goes: keep it off the machine that serves the notice"
    )
    key.add_argument("--passphrase", action="store_true", help="encrypt it; the passphrase is asked for")
    make = actions.add_parser("make", help="make and sign the notice of the newest version")
    make.add_argument("--key", type=Path, action="append", required=True, help="file of a private key; may stand twice")
    make.add_argument("--version", required=True, metavar="X.Y.Z", help="the newest version")
    make.add_argument("--notes", required=True, metavar="URL", help="https:// address of what is new and how to update")
    make.add_argument("--secure-from", metavar="X.Y.Z", help="oldest version without a security fault that is known")
    make.add_argument("--days", type=int, default=90, help="how long hubs believe it (90); sign anew before that")
    make.add_argument("--out", type=Path, metavar="FILE", help="where it goes (standard output)")
    show = actions.add_parser("show", help="check a notice and show what it says")
    show.add_argument("file", type=Path)
    show.add_argument(
        "--public", action="append", required=True, metavar="KEY", help="a public key that may have signed"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
