"""plughub export: measured values as a CSV file, read from the running hub."""

import argparse
import contextlib
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from hub.cli.outlets import outlets_among
from hub.cli.place import add_place_options, on_running
from hub.cli.speech import sentence
from hub.client import HubClient
from hub.messages import HubError

BUCKETS = ("raw", "1m", "5m", "15m", "1h", "1d")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add_place_options(parser)
    parser.add_argument(
        "--device", action="append", default=[], metavar="KEY", help=sentence("cli-export-device"), dest="devices"
    )
    parser.add_argument("--from", required=True, metavar="TIME", help=sentence("cli-export-from"), dest="start")
    parser.add_argument("--to", metavar="TIME", help=sentence("cli-export-to"), dest="end")
    parser.add_argument("--bucket", choices=BUCKETS, default="15m", help=sentence("cli-export-bucket"))
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help=sentence("cli-export-out"))


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""

    async def running(hub: HubClient) -> int:
        zone = ZoneInfo((await hub.me())["home"]["time_zone"])
        start = moment(args.start, zone)
        end = int(datetime.now(zone).timestamp() * 1000) if args.end is None else moment(args.end, zone, after=True)
        outlets = chosen(await hub.devices(), args.devices)
        size = 0
        with _opened(args.out) as file:
            async for piece in hub.export(outlets, start, end, bucket=args.bucket):
                size += file.write(piece)
        return size

    size = on_running(args.data, running, args.home)
    if args.out is not None:
        print(sentence("cli-export-written", file=str(args.out), kilobytes=round(size / 1000)), file=sys.stderr)
    return 0


def moment(text: str, zone: ZoneInfo, *, after: bool = False) -> int:
    """A date or a time of ISO 8601 in the home's zone as Unix ms; of a date its beginning, or the end (`after`).

    Raises HubError("cli-export-time")."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise HubError("cli-export-time", text=text) from error
    if after and DATE.fullmatch(text):
        when += timedelta(days=1)
    return round(when.replace(tzinfo=when.tzinfo or zone).timestamp() * 1000)


def chosen(devices: list[dict[str, Any]], keys: list[str]) -> list[str]:
    """Outlets as ID:CHANNEL, by KEY or KEY:CHANNEL, without keys all. Raises HubError("cli-plug-none")."""
    wanted = keys or [device["key"] for device in devices]
    outlets = [outlet for key in wanted for outlet in outlets_among(devices, key)]
    return list(dict.fromkeys(f"{device['id']}:{channel}" for device, channel in outlets))


@contextlib.contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that has its name only when it is complete."""
    if path is None:
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except OSError as error:
            raise HubError("cli-export-file", file="stdout", reason=error.strerror or str(error)) from error
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise HubError("cli-export-file", file=str(path), reason=error.strerror or str(error)) from error
    finally:
        part.unlink(missing_ok=True)
