"""plughub report: energy and cost of a period from the running hub, as a short table, JSON, CSV or PDF."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from hub.cli.place import add_place_options, on_running, print_table
from hub.cli.speech import sentence
from hub.client import HubClient
from hub.cost.period import KINDS
from hub.cost.rounding import round_parts
from hub.cost.words import Words, energy_digits
from hub.messages import HubError, environment_language

FORMATS = ("json", "csv", "pdf")
UNKNOWN = "–"


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add_place_options(parser)
    parser.add_argument("--period", choices=KINDS, default="month", help=sentence("cli-report-period"))
    parser.add_argument("--of", metavar="DATE", help=sentence("cli-report-of"))
    parser.add_argument("--format", choices=FORMATS, help=sentence("cli-report-format"))
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help=sentence("cli-report-out"))


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    ending = "" if args.out is None else args.out.suffix[1:].lower()
    form = args.format or (ending if ending in FORMATS else None)
    if form is None and args.out is not None:
        form = "json"
    if form == "pdf" and args.out is None and sys.stdout.isatty():
        raise HubError("cli-report-needs-file")

    async def running(hub: HubClient) -> bytes | dict[str, Any]:
        if form in ("csv", "pdf"):
            return await hub.report_file(args.period, args.of, form=form)
        return await hub.report(args.period, args.of)

    report = on_running(args.data, running, args.home)
    if form is None and isinstance(report, dict):
        show(report)
        return 0
    data = report if isinstance(report, bytes) else (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode()
    write(args.out, data)
    return 0


def write(out: Path | None, data: bytes) -> None:
    """To standard output or a file. Raises HubError("cli-export-file")."""
    try:
        if out is None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        out.write_bytes(data)
    except OSError as error:
        file = "stdout" if out is None else str(out)
        raise HubError("cli-export-file", file=file, reason=error.strerror or str(error)) from error
    print(sentence("cli-report-written", file=str(out)), file=sys.stderr)


def show(report: dict[str, Any]) -> None:
    """The period, a line for each plug, and the whole."""
    total, plugs = report["total"], report["by_device"]
    words = Words(environment_language(), total["currency"])
    digits = energy_digits(total["kwh"] or 0.0)
    energies = round_parts([plug["kwh"] for plug in plugs], digits)
    costs = round_parts([plug["cost"] for plug in plugs], words.money_digits)

    def cells(kwh: float | None, cost: float | None) -> list[str]:
        energy = UNKNOWN if kwh is None else words.decimal(kwh, digits)
        return [energy.rjust(9), (UNKNOWN if cost is None else words.money(cost)).rjust(10)]

    print(f"{report['home']}, {report['period']['label']}")
    rows = [
        [plug["room"] or UNKNOWN, plug["name"], *cells(kwh, cost)]
        for plug, kwh, cost in zip(plugs, energies, costs, strict=True)
    ]
    heads = [sentence(id) for id in ("cli-report-room", "cli-report-plug", "cli-report-energy", "cli-report-cost")]
    heads[2:] = [heads[2].rjust(9), heads[3].rjust(10)]
    print_table(heads, [*rows, [sentence("report-all"), "", *cells(total["kwh"], total["cost"])]])
