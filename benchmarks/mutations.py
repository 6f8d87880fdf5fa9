"""Broken MQTT packets, payloads, requests and frames by the million, the same ones for the same seed."""

import json
import random
import struct

from benchmarks.mqtt import packet, text

EDGES = (0, 1, 2, 3, 4, 5, 0x7F, 0x80, 0xC0, 0xED, 0xFF)
NUMBERS = (
    "0", "-0.0", "NaN", "Infinity", "-Infinity", "1e308", "1e999", "-1e999", "1e-320", "18446744073709551616",
    "9223372036854775807", "-9223372036854775809", "9" * 400, "0.1" + "0" * 300, "01", "1e", "0x10", "1_0",
)  # fmt: skip
OTHERS = (
    "null", "true", '""', '"x"', '"\\u0000"', '"\\ud800"', '"\u202e\u0000"', "[]", "{}", "[[]]", '{"a":1}',
    "[1,2,3]", '"' + "x" * 5000 + '"', "[" * 300 + "]" * 300, '{"a":' * 300 + "1" + "}" * 300,
)  # fmt: skip
TELEMETRY = {
    "voltage": "230.1", "current": "0.5", "power": "115.0", "energy_mwh": "100", "relay_state": "true",
    "run": '"00000000000000aa"', "seq": "5", "oldest": "0", "up": "5000", "channel": "0", "ts": "1700000000000",
    "power_factor": "0.9", "frequency": "50", "temperature": "30", "energy": "1.5", "export_mwh": "0",
}  # fmt: skip
BATCH = {
    "run": '"00000000000000aa"', "channel": "0", "seq": "100", "oldest": "100", "up": "100000", "dt": "1000",
    "voltage": "[230,231,232]", "current": "[0.1,0.2,0.3]", "power": "[1,2,3]", "energy_mwh": "[1,2,3]",
    "relay_state": "[true,true,false]",
}  # fmt: skip
STATUS = {
    "status": '"on"', "id": '"c-1"', "firmware": '"1.2.0"', "rssi": "-61", "uptime": "321", "oldest": "9",
    "run": '"00000000000000aa"', "buffer_s": "3600", "reason": '"power_on"', "channels": '{"0":{"on":true}}',
    "error": '"late"', "older": "[]",
}  # fmt: skip
MINUTES = {
    "run": '"00000000000000aa"', "channel": "0",
    "minutes": '[{"seq_from":0,"seq_to":59,"up":59000,"min":1,"mean":2,"max":3,"energy_mwh":9,"on_s":60}]',
}  # fmt: skip
MANY = (  # lists and objects that no plug has
    "{" + ",".join(f'"{k}":{{"on":true,"oldest":{k}}}' for k in range(400)) + "}",
    "{" + ",".join(f'"{k}":{{}}' for k in range(9000)) + "}",
    "[" + ",".join(f'{{"seq_from":0,"seq_to":{k + 60},"up":1,"energy_mwh":1}}' for k in range(700)) + "]",
    "[" + ",".join(f'{{"seq_from":{2 * k},"seq_to":{2 * k}}}' for k in range(600)) + "]",
    "[" + ",".join(f'"{k:016x}"' for k in range(300)) + "]",
    "[" + "1," * 100_000 + "1]",
)
BODIES = {"telemetry": TELEMETRY, "telemetry/batch": BATCH, "status": STATUS, "telemetry/minutes": MINUTES}


class Mutations:
    """A source of broken things, each drawn from `seed` alone."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def damaged(self, data: bytes) -> bytes:
        """A few bytes changed, cut out, doubled or put in."""
        draw, out = self.random, bytearray(data)
        for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
            place = draw.randrange(len(out) + 1)
            match draw.randrange(7):
                case 0:
                    out[place : place + 1] = bytes([draw.choice(EDGES)])
                case 1:
                    out[place : place + 1] = draw.randbytes(1)
                case 2:
                    del out[place : place + draw.choice((1, 2, 8))]
                case 3:
                    out[place:place] = draw.randbytes(draw.choice((1, 2, 9)))
                case 4:
                    out[place:place] = out[place : place + draw.randrange(30)]
                case 5:
                    if out:
                        place = min(place, len(out) - 1)
                        out[place] ^= 1 << draw.randrange(8)
                case _:
                    del out[place:]
        return bytes(out)

    def mqtt(self, seeds: list[bytes]) -> bytes:
        """A packet: changed as a whole, or in its body with the length put right, or in its first byte, or noise."""
        draw = self.random
        data = draw.choice(seeds)
        start = next(k for k in range(1, len(data)) if data[k] < 128) + 1
        match draw.randrange(8):
            case 0 | 1 | 2:
                return packet(data[0], self.damaged(data[start:]))
            case 3 | 4:
                return self.damaged(data)
            case 5:
                return bytes([draw.randrange(256)]) + data[1:]
            case 6:
                return packet(draw.randrange(256), draw.randbytes(draw.choice((0, 1, 2, 3, 40))))
            case _:
                return data

    def json(self, suffix: str) -> bytes:
        """A payload of that kind with wrong values, missing or doubled names, or broken bytes."""
        draw = self.random
        fields = list(BODIES[suffix].items())
        for _ in range(draw.choice((1, 1, 2, 4))):
            place = draw.randrange(len(fields))
            name, value = fields[place]
            match draw.randrange(7) if draw.random() < 0.99 else 7:
                case 0 | 1:
                    value = draw.choice(NUMBERS)
                case 2:
                    value = draw.choice(OTHERS)
                case 3:
                    name = draw.choice((name.upper(), name + "\u0000", "", "x" * 3000, "__class__"))
                case 4:
                    fields.append((name, value))
                case 5:
                    value = "[" + ",".join(draw.choices(NUMBERS + OTHERS[:6], k=draw.choice((0, 1, 3, 700)))) + "]"
                case 7:
                    value = draw.choice(MANY)
                case _:
                    value = str(draw.getrandbits(draw.choice((8, 31, 53, 64, 80))) * draw.choice((1, -1)))
            fields[place] = name, value
        if draw.random() < 0.3:
            draw.shuffle(fields)
            del fields[draw.randrange(len(fields)) :]
        body = ("{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in fields) + "}").encode("utf-8")
        return self.damaged(body) if draw.random() < 0.3 else body

    def http(self) -> bytes:
        """A request, mostly none."""
        draw = self.random
        path = draw.choice(
            ("/", "/api/v1/devices", "/api/v1/ws", "/api/v1/auth/login", "/../etc/passwd", "/%00", "/mqtt")
        )
        head = f"{draw.choice(('GET', 'POST', 'PUT', 'XX', ''))} {path} HTTP/1.1\r\nHost: localhost\r\n"
        extra = draw.choice((
            "", "Content-Length: -1\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n", "Authorization: Bearer x\r\n",
            "Transfer-Encoding: chunked\r\n", "Content-Type: application/json\r\nContent-Length: 9\r\n",
            "X: " + "y" * 9000 + "\r\n",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n",
            "Cookie: a=b; =; \r\n", "Origin: http://[\r\n",
            "Accept-Language: " + ",".join("x" * 50) + "\r\n", "Expect: 100-continue\r\n",
        ))  # fmt: skip
        body = draw.choice(("", "{", '{"a":1}}', "zz\r\n", "[" * 9999, "5\r\nhello\r\n0\r\n\r\n", "\x00" * 9))
        data = (head + extra + "\r\n" + body).encode()
        return self.damaged(data) if draw.random() < 0.7 else data

    def frame(self, message: bytes = b"") -> bytes:
        """A WebSocket frame of any kind, length and content, mostly with a mask."""
        draw = self.random
        message = message or draw.choice((
            b"{}", b"[]", b"null", b"{", b'{"type":null}', b'{"type":"auth"}', b'{"type":"auth","token":5}',
            b'{"type":"subscribe","rooms":[1]}', b'{"type":"subscribe","rooms":"x"}', b'{"type":"ping"}', b"\xff\xfe",
            b'{"type":"subscribe","rooms":["home:x","device:y"]}', b"[" * 5000, b'{"type":"' + b"x" * 5000 + b'"}',
            b'{"type":"subscribe","rooms":' + b"[" * 400 + b"]" * 400 + b"}",
        ))  # fmt: skip
        if draw.random() < 0.3:
            message = self.damaged(message)
        first = draw.choice((0x81, 0x81, 0x81, 0x82, 0x01, 0x80, 0x88, 0x89, 0x8A, 0xC1, 0x83, draw.randrange(256)))
        size = len(message) if draw.random() < 0.9 else draw.choice((0, 1, 125, 126, 65_536))
        head = bytes([first, 0x80 | size]) if size < 126 else bytes([first, 0xFE]) + struct.pack("!H", size & 0xFFFF)
        if draw.random() < 0.05:
            return bytes([first, head[1] & 0x7F]) + head[2:] + message
        mask = draw.randbytes(4)
        masked = bytes(byte ^ mask[k % 4] for k, byte in enumerate(message))
        data = head + mask + masked
        return self.damaged(data) if draw.random() < 0.2 else data


def seeds(hardware_id: str, secret: str) -> list[bytes]:
    """Correct packets of every kind that a client may send, as a plug of that name would."""
    root = f"smartplug/{hardware_id}/".encode()
    telemetry = text(root + b"telemetry")
    login = text(hardware_id.encode()) * 2 + text(secret.encode())
    will = (
        text(hardware_id.encode()) + text(root + b"status") + text(b'{"status":"offline"}') + login[-2 - len(secret) :]
    )
    sample = b'{"voltage":230,"current":1}'
    return [
        packet(0x10, text(b"MQTT") + b"\x04\xc2\0\x3c" + login),
        packet(0x10, text(b"MQTT") + b"\x04\x6e\0\x3c" + will),
        packet(0x30, telemetry + sample),
        packet(0x31, telemetry + sample),
        packet(0x32, telemetry + b"\0\7" + sample),
        packet(0x34, telemetry + b"\0\7" + sample),
        packet(0x3D, text(root + b"status") + b"\0\x09" + b'{"status":"on"}'),
        packet(0x30, text(b"home/x") + bytes(200)),
        packet(0x32, text(root + b"telemetry/batch") + b"\1\0" + b'{"run":"aa","seq":1,"voltage":[1],"current":[1]}'),
        packet(0x82, b"\0\1" + text(root + b"control") + b"\1"),
        packet(0x82, b"\0\2" + text(root + b"#") + b"\2" + text(b"home/+") + b"\0"),
        packet(0xA2, b"\0\3" + text(root + b"control") + text(b"a/b/#")),
        *(bytes([head, 2, 0, 7]) for head in (0x40, 0x50, 0x62, 0x70)),
        b"\xc0\0",
        b"\xe0\0",
    ]
