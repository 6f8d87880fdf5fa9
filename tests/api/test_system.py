"""What an admin may know of rejects and of history as a whole."""

from typing import Any

from tests.api.house import House


async def get(house: House, path: str, role: str, method: str = "GET") -> tuple[int, dict[str, object]]:
    async with house.http.request(method, f"/api/v1{path}", headers=await house.headers(role)) as response:
        return response.status, await response.json()


async def test_rejects_are_shown_by_device_and_reason_with_the_newest(house: House) -> None:
    plug = await house.plug()
    house.rejects.add(1000, plug.id, "range", "voltage is 612.0", b'{"voltage":612.0}')
    house.rejects.add(2000, plug.id, "json", "it ends too soon", b'{"volt')
    house.rejects.add(3000, "of-another-home", "json", "it ends too soon", b"{")
    house.rejects.count("unknown", "device")
    house.care.dropped[plug.id] = 7
    status, found = await get(house, "/system/rejects", "admin")
    assert status == 200
    assert found == {
        "counts": [
            {"device": plug.id, "reason": "counter", "count": 7},
            {"device": plug.id, "reason": "json", "count": 1},
            {"device": plug.id, "reason": "range", "count": 1},
            {"device": "unknown", "reason": "device", "count": 1},
        ],
        "newest": [
            {"at": 2000, "device": plug.id, "reason": "json", "detail": "it ends too soon", "payload": '{"volt'},
            {
                "at": 1000,
                "device": plug.id,
                "reason": "range",
                "detail": "voltage is 612.0",
                "payload": '{"voltage":612.0}',
            },
        ],
    }
    assert (await get(house, "/system/rejects", "user"))[0] == 403


async def test_history_as_a_whole_is_an_admins_business(house: House) -> None:
    assert (await get(house, "/system/history", "admin"))[1]["samples"] == 0
    assert (await get(house, "/system/history/check", "admin", "POST"))[1]["wrong"] == 0
    assert (await get(house, "/system/history", "user"))[0] == 403
    assert (await get(house, "/system/history/check", "guest", "POST"))[0] == 403


async def test_an_admin_confirms_the_time(house: House) -> None:
    for role, status in (("user", 403), ("admin", 204)):
        path, headers = "/api/v1/system/time/confirm", await house.headers(role)
        async with house.http.post(path, headers=headers) as response:
            assert response.status == status
    assert house.care.confirmed == 1


async def test_what_the_broker_counted_is_sorted_by_what_it_is(house: House) -> None:
    house.broker_counts = {
        "connections": 3,
        "plugs": 2,
        "clients": 1,
        "received": 500,
        "refused:login": 4,
        "refused:host": 1,
        "dropped:away": 6,
        "throttled": 2,
        "retained": 9,
    }
    status, found = await get(house, "/system/broker", "admin")
    assert status == 200
    assert found == {
        "connections": 3,
        "plugs": 2,
        "clients": 1,
        "received": 500,
        "refused": {"host": 1, "login": 4},
        "dropped": {"away": 6},
        "throttled": 2,
        "further": {"retained": 9},
    }
    house.broker_counts = {"connections": 1, "plugs": 2, "received": 0}
    assert (await get(house, "/system/broker", "admin"))[1]["clients"] is None
    assert (await get(house, "/system/broker", "user"))[0] == 403


async def test_who_changed_backups_is_in_the_audit_log_without_the_passphrase(house: House) -> None:
    async def change(**changes: object) -> None:
        path, headers = "/api/v1/backups/settings", await house.headers("admin")
        async with house.http.patch(path, headers=headers, json=changes) as response:
            assert response.status == 200

    folder = house.data / "usb"
    folder.mkdir()
    await change(folder=str(folder), keep=14, time="04:30", passphrase="a long sentence")
    await change(passphrase="another sentence")
    await change(keep=14)
    await change(passphrase=None)
    _, found = await get(house, "/audit?action=backup", "admin")
    lines: Any = found["items"]
    assert [(line["name"], line["before"], line["after"]) for line in lines] == [
        ("admin", {"passphrase": "set"}, {"passphrase": None}),
        ("admin", {"passphrase": "set"}, {"passphrase": "changed"}),
        (
            "admin",
            {"folder": None, "keep": 7, "time": "03:00", "passphrase": None},
            {"folder": str(folder), "keep": 14, "time": "04:30", "passphrase": "set"},
        ),
    ]
    assert "sentence" not in str(lines)
