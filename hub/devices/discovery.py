"""Discovery: the hub says by mDNS where it is, and hears which plugs are there that it does not know yet."""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import ifaddr
import msgspec
from zeroconf import Error, InterfaceChoice, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from hub.auth.certificates import mdns_name
from hub.bus import Bus
from hub.clock import Clock
from hub.devices.registry import Registry
from hub.events import DeviceAdded, DeviceFound
from hub.plugins.contract import DeviceDriver
from hub.tasks import Tasks

ANNOUNCED = ("_plughub._tcp.local.", "_http._tcp.local.", "_mqtt._tcp.local.")
RESOLVE_MS = 3000
MOST_FOUND = 500
LOOK_AGAIN_S = 60.0
OWNER = "devices.discovery"
log = logging.getLogger("hub.devices")


class Found(msgspec.Struct, frozen=True):
    """A plug that announces itself and is in no home of this hub."""

    hardware_id: str
    name: str
    model: str
    address: str
    driver: str


ANY_IPV4 = "0.0.0.0"  # noqa: S104 - what is compared here, not bound


class Discovery:
    """Announces _plughub, _http and _mqtt; browses for what the drivers know.

    All of it happens in the background: registration takes over a second and must not hold up the start, and a
    machine without a network is a hub all the same. `interfaces` (addresses) limits where: tests use 127.0.0.1.
    `host`: what the hub listens on. `knocking`: unpaired plugs that try to log in, which are there too.
    """

    def __init__(
        self,
        registry: Registry,
        bus: Bus,
        drivers: Mapping[str, DeviceDriver],
        *,
        name: str,
        hub_id: str,
        interfaces: Sequence[str] | None = None,
        host: str = "",
        clock: Clock | None = None,
        knocking: "Callable[[], list[Found]]" = list,
    ) -> None:
        self._registry = registry
        self._bus = bus
        self._drivers = {driver.mdns_type: driver for driver in drivers.values() if driver.mdns_type}
        self._name = name
        self._hub_id = hub_id
        self._interfaces = interfaces
        self._host = host
        self._clock = clock or Clock()
        self._knocking = knocking
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._found: dict[str, Found] = {}  # by the service's full name
        self._tasks = Tasks(log, "mDNS failed")
        self.announced = asyncio.Event()

    async def start(self, http_port: int, mqtt_port: int | None) -> None:
        """Begin; returns at once. Without an MQTT port, none is announced: the broker is somebody else's."""
        self._bus.subscribe(DeviceAdded, self._added, OWNER)
        self._spawn(self._follow_network((http_port, http_port, mqtt_port)))

    async def stop(self) -> None:
        """Say goodbye (where the network still takes it) and close the sockets."""
        self._bus.remove_owner(OWNER)
        await self._tasks.cancel()
        await self._close()

    def found(self) -> list[Found]:
        """What is there and not yet added, by name."""
        strangers = {f.hardware_id: f for f in self._knocking()}
        strangers |= {f.hardware_id: f for f in self._found.values() if self._is_stranger(f)}
        return sorted(strangers.values(), key=lambda found: (found.name.casefold(), found.hardware_id))

    def found_plug(self, hardware_id: str) -> Found | None:
        """What a plug says of itself by mDNS, also when it has been added."""
        return next((f for f in self._found.values() if f.hardware_id == hardware_id), None)

    async def _follow_network(self, ports: tuple[int, int, int | None]) -> None:
        """Begin anew when the host's addresses change: after a power cut a Pi is up before its router."""
        while True:
            addresses = own_addresses(self._interfaces, self._host)
            try:
                await self._open(addresses, ports)
            except (OSError, Error) as error:
                log.warning("no mDNS: %s; until it works the hub is found by its address only", error)
            while addresses == own_addresses(self._interfaces, self._host):
                await self._clock.sleep(LOOK_AGAIN_S)
            await self._close()

    async def _open(self, addresses: list[bytes], ports: tuple[int, int, int | None]) -> None:
        self._zeroconf = AsyncZeroconf(interfaces=self._interfaces or InterfaceChoice.All)
        await self._zeroconf.zeroconf.async_wait_for_start()
        if self._drivers:
            self._browser = AsyncServiceBrowser(
                self._zeroconf.zeroconf, list(self._drivers), handlers=[self._service_changed]
            )
        announced = [(kind, port) for kind, port in zip(ANNOUNCED, ports, strict=True) if port is not None]
        await asyncio.gather(*(self._announce(self._zeroconf, kind, port, addresses) for kind, port in announced))
        self.announced.set()

    async def _close(self) -> None:
        if self._browser is not None:
            await self._browser.async_cancel()
        if self._zeroconf is not None:
            if self.announced.is_set():
                with contextlib.suppress(Error, OSError):
                    await self._zeroconf.async_unregister_all_services()
            await self._zeroconf.async_close()
        self._zeroconf = self._browser = None
        self.announced.clear()

    async def _announce(self, zeroconf: AsyncZeroconf, kind: str, port: int, addresses: list[bytes]) -> None:
        info = AsyncServiceInfo(
            kind,
            f"{self._name}.{kind}",
            addresses=addresses,
            port=port,
            # The id lets an unpaired plug and the app tell two hubs apart; strangers are told nothing else.
            properties={"id": self._hub_id, "api": "1"} if kind == ANNOUNCED[0] else {},
            server=f"{mdns_name(self._hub_id)}.",
        )
        await (await zeroconf.async_register_service(info, allow_name_change=True))

    def _service_changed(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if state_change is ServiceStateChange.Removed:
            gone = self._found.pop(name, None)
            if gone is not None and self._is_stranger(gone):
                self._publish(gone, gone=True)
            return
        self._spawn(self._resolve(zeroconf, service_type, name))

    async def _resolve(self, zeroconf: Zeroconf, service_type: str, name: str) -> None:
        info = AsyncServiceInfo(service_type, name)
        if not await info.async_request(zeroconf, RESOLVE_MS):
            return
        properties = {key: value or "" for key, value in info.decoded_properties.items()}
        label = name.removesuffix(f".{service_type}")
        match = self._drivers[service_type].found(label, properties)
        if match is None or (name not in self._found and len(self._found) >= MOST_FOUND):
            return
        addresses = info.parsed_scoped_addresses()
        found = Found(match[0], label, match[1], addresses[0] if addresses else "", self._drivers[service_type].name)
        news = self._found.get(name) != found
        self._found[name] = found
        if news and self._is_stranger(found):
            self._publish(found, gone=False)

    def _added(self, event: DeviceAdded) -> None:
        device = self._registry.device(event.device)
        found = None if device is None else self.found_plug(device.hardware_id)
        if found is not None:
            self._publish(found, gone=True)

    def _is_stranger(self, found: Found) -> bool:
        return self._registry.by_hardware(found.hardware_id) is None

    def _publish(self, found: Found, gone: bool) -> None:
        self._bus.publish(DeviceFound(found.hardware_id, found.name, found.model, found.address, gone))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.spawn(work, "mDNS")


def own_addresses(interfaces: Sequence[str] | None, host: str = "") -> list[bytes]:
    """Packed addresses under which the hub is to be reached, loopback only where nothing else was asked for; of those
    that a server on `host` listens on (0.0.0.0: of IPv4 only)."""
    texts: list[str] = list(interfaces or ())
    if not texts:
        for adapter in ifaddr.get_adapters():
            texts += [ip.ip if isinstance(ip.ip, str) else ip.ip[0] for ip in adapter.ips]
        texts = [text for text in texts if not ipaddress.ip_address(text).is_loopback]
        if host == ANY_IPV4:
            texts = [text for text in texts if ipaddress.ip_address(text).version == 4]
    return [ipaddress.ip_address(text).packed for text in texts]
