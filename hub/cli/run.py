"""`plughub run`: the hub, until it is told to stop."""

import argparse
import asyncio
import contextlib
import os
import resource
import signal
import sys

from hub.app import App, Options
from hub.bus import Bus
from hub.cli.folders import add_config_option, add_data_option
from hub.cli.own_certificates import check_certificates
from hub.cli.speech import complain, say, sentence
from hub.clock import Clock
from hub.collector import Collector, keep_heap_small
from hub.config import ConfigurationError, write_starting_configuration
from hub.log import setup_logging
from hub.messages import environment_language
from hub.plugins import prepare

AGAIN_S = 1.0
"""Signals of one Ctrl-C: a terminal sends it to every process in front, and a script passes it on."""
LOG_FORMATS = ("text", "json")
SWITCH_S = 0.0005
"""How long a thread that computes may keep the event loop waiting for the interpreter; by default ten times as long,
which a merge would cost at each wake-up."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_config_option(parser)
    add_data_option(parser)
    parser.add_argument("--demo", action="store_true", help=sentence("cli-run-demo"))
    parser.add_argument("--host", help=sentence("cli-run-host"))
    parser.add_argument("--http-port", type=port, help=sentence("cli-run-http-port"))
    parser.add_argument("--mqtt-port", type=port, help=sentence("cli-run-mqtt-port"))
    parser.add_argument("--https-port", type=port, help=sentence("cli-run-https-port"))
    parser.add_argument("--mqtts-port", type=port, help=sentence("cli-run-mqtts-port"))
    parser.add_argument("--safe-mode", action="store_true", help=sentence("cli-run-safe-mode"))
    parser.add_argument("--log-format", choices=LOG_FORMATS, help=sentence("cli-run-log-format"))


def port(text: str) -> int:
    """Of an option. Raises argparse.ArgumentTypeError for what is none."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(sentence("cli-port-wrong", text=text))


def run(args: argparse.Namespace) -> int:
    """Start, serve, stop. Raises HubError for what people can mend."""
    os.umask(0o077)  # a home's history is nobody else's business
    if write_starting_configuration(args.config):
        say("config-written", folder=str(args.config))
    bus = Bus()
    clock = Clock()
    setup_logging(format=args.log_format or "text")  # until the configuration says how
    loaded, plugins = prepare(args.config, bus, clock, safe_mode=args.safe_mode)
    doubts = check_certificates(loaded)
    for line in loaded.lines(environment_language()):
        print(line)
    for doubt in doubts:
        print(loaded.line(doubt, environment_language()))
    try:
        configuration = loaded.configuration()
    except ConfigurationError as error:
        say("config-broken", count=len(error.problems))
        return 1
    settings = configuration.hub.log
    setup_logging(settings.level, args.log_format or settings.format, settings.levels, secrets=loaded.secrets)
    if args.demo or configuration.hub.clock == "trusted":
        clock.trust()
    options = Options(
        args.data,
        args.host,
        http_port=args.http_port,
        mqtt_port=args.mqtt_port,
        https_port=args.https_port,
        mqtts_port=args.mqtts_port,
        demo=args.demo,
        config=args.config,
    )
    app = App(options, configuration, plugins, bus=bus, clock=clock)
    allow_many_connections()
    keep_heap_small()
    import uvloop

    uvloop.run(serve(app, bus))
    return 1 if app.unsaved else 0


def allow_many_connections() -> None:
    """Each connection is an open file; the usual soft limit of 1,024 is far below the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def serve(app: App, bus: Bus) -> None:
    """Run until SIGTERM or SIGINT; one that comes later ends at once, which loses nothing that was acknowledged."""
    sys.setswitchinterval(SWITCH_S)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    first = 0.0

    def stop() -> None:
        nonlocal first
        if not stopping.is_set():
            first = loop.time()
            stopping.set()
        elif loop.time() - first > AGAIN_S:
            os._exit(130)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    starting = asyncio.create_task(app.start())
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        told_started(app, starting)
        collector = Collector(bus)
        collector.start()
        await told
        say("hub-stopping")
        collector.stop()
        await app.stop()
    else:
        say("hub-stopping")
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
    for error in app.unsaved:
        complain(error)
    if not app.unsaved:
        say("hub-stopped")


def told_started(app: App, starting: asyncio.Task[None]) -> None:
    """Say where the hub is; raises what its start raised."""
    starting.result()
    if app.ports.moved:
        say("hub-ports-moved", http=str(app.addresses.http_port), mqtt=str(app.addresses.mqtt_port))
    say("hub-ready", url=app.addresses.url)
    if app.addresses.https_port:
        say("hub-ready-https", url=app.addresses.https_url)
    if app.needs_setup:
        say("hub-ready-setup")
