"""The demo home's five plugs, the new one that waits to be paired, and the file that tells the demo process of them."""

import json
from pathlib import Path
from typing import Any

from hub.auth.people import People
from hub.auth.principal import system
from hub.auth.secret_file import write_secret
from hub.devices.pairing import new_code, shown_code
from hub.devices.registry import Registry

FILE_NAME = "demo.json"
HOST = "127.0.0.1"
# hardware_id, name, room, icon, the appliance whose trace it replays, always_on
PLUGS = (
    ("demo-washing-machine", "Washing machine", "Laundry", "wash-machine", "Washingmachine", False),
    ("demo-fridge", "Fridge", "Kitchen", "fridge", "Refrigerator", True),
    ("demo-tv", "TV", "Living room", "device-tv", "TV-LCD", False),
    ("demo-desk", "Desk", "Office", "device-desktop", "PC-Desktop", False),
    ("demo-coffee-machine", "Coffee machine", "Kitchen", "coffee", "BeanToCupCoffeemaker", False),
)
NEW_PLUG = {
    "hardware_id": "demo-new-plug",
    "name": "New plug",
    "room": "Office",
    "icon": "plug",
    "appliance": "PC-Desktop",
}


async def ensure_demo(registry: Registry, people: People, data_dir: Path, broker_port: int) -> None:
    """Add the demo plugs to the first home (once), and write `demo.json` (0600) with their secrets and the port, and
    with the code of one more plug that nobody has paired yet.

    A plug whose secret is no longer known (the file was lost) gets a new one; one that its owner removed stays away.
    """
    hub = system(people.homes.first.id)
    path = data_dir / FILE_NAME
    known = read_plugs(path)
    first = not path.exists()
    plugs: list[dict[str, Any]] = []
    for hardware_id, name, room, icon, appliance, always_on in PLUGS:
        device, secret = registry.by_hardware(hardware_id), known.get(hardware_id)
        if device is None:
            if not first:
                continue
            device, secret = await registry.add(hub, hardware_id=hardware_id, name=name, room=room, icon=icon)
            if always_on:
                await registry.change(hub, device.id, always_on=True)
        elif secret is None:
            secret = await registry.new_secret(system(device.home), device.id)
        plugs.append(
            {
                "hardware_id": hardware_id,
                "secret": secret,
                "name": name,
                "room": room,
                "icon": icon,
                "appliance": appliance,
            }
        )
    told = {
        "broker": {"host": HOST, "port": broker_port},
        "plugs": plugs,
        "new": {**NEW_PLUG, "code": demo_code(data_dir) or shown_code(new_code())},
    }
    write_secret(path, json.dumps(told, indent=2) + "\n")


def demo_code(data_dir: Path) -> str | None:
    """The code on the new plug's label, as `demo.json` has it; None where there is none."""
    try:
        return str(json.loads((data_dir / FILE_NAME).read_text(encoding="utf-8"))["new"]["code"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_plugs(path: Path) -> dict[str, str]:
    """hardware_id -> secret of a `demo.json` that is there."""
    if not path.exists():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {plug["hardware_id"]: plug["secret"] for plug in stored["plugs"]}
    except (ValueError, KeyError, TypeError):
        return {}
