"""MicroPython's unix port with another wall clock: at_time.py UNIX_SECONDS SCRIPT ARGUMENTS.

The port asks the C library's time(); the slot through which it does is given another function.
"""

import ctypes
import struct
import sys
from pathlib import Path

import micropython_run

LIBRARY = Path(micropython_run.__file__)
RELOCATION = struct.Struct("<QQq")  # Elf64_Rela: offset, info, addend
SYMBOL = struct.Struct("<IBBHQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")


def slot_of(name: bytes, data: bytes) -> int:
    """Where in the library, from its beginning, the address of an imported function is kept."""
    (table,), (size, count) = struct.unpack_from("<Q", data, 0x28), struct.unpack_from("<HH", data, 0x3A)
    sections = [SECTION.unpack_from(data, table + size * n) for n in range(count)]
    for section in sections:
        if section[1] != 4:  # relocations with addend
            continue
        symbols = sections[section[6]]
        strings = sections[symbols[6]]
        for at in range(section[4], section[4] + section[5], RELOCATION.size):
            offset, info, _ = RELOCATION.unpack_from(data, at)
            start = strings[4] + SYMBOL.unpack_from(data, symbols[4] + SYMBOL.size * (info >> 32))[0]
            if data[start : data.index(b"\0", start)] == name:
                return int(offset)
    raise LookupError(name)


def loaded_at() -> int:
    """Where the library begins in memory."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return min(int(line.split("-")[0], 16) for line in lines if line.endswith(str(LIBRARY.resolve())))


seconds = int(sys.argv[1])


@ctypes.CFUNCTYPE(ctypes.c_long, ctypes.POINTER(ctypes.c_long))
def frozen_time(where: "ctypes._Pointer[ctypes.c_long]") -> int:
    if where:
        where[0] = seconds
    return seconds


slot = loaded_at() + slot_of(b"time", LIBRARY.read_bytes())
ctypes.c_void_p.from_address(slot).value = ctypes.cast(frozen_time, ctypes.c_void_p).value
sys.exit(micropython_run.run_main(["micropython", *sys.argv[2:]]))
