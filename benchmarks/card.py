"""A card of its own for a data folder: ext4 on a loop device, and what the kernel says it was told to write."""

import contextlib
import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

IMAGE_MB = 512


def available() -> bool:
    """Root, loop devices and mkfs.ext4?"""
    return os.geteuid() == 0 and bool(shutil.which("losetup") and shutil.which("mkfs.ext4"))


def make(image: Path, megabytes: int = IMAGE_MB) -> None:
    """A fresh file system."""
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    # A small image would get 1 KiB blocks, which flatters; and nothing is left for the kernel to initialise later.
    subprocess.run(["mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0", str(image)], check=True)


@contextlib.contextmanager
def mounted(image: Path, mount: Path) -> Iterator[None]:
    """An image as a folder. Raises CalledProcessError where that is not to be had."""
    mount.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(mount)], check=True)


@contextlib.contextmanager
def card() -> Iterator[tuple[Path, str]]:
    """A folder on a file system of its own, and the loop device below it."""
    base = Path(tempfile.mkdtemp(prefix="plughub-card-"))
    try:
        make(base / "image")
        with mounted(base / "image", base / "mount"):
            found = subprocess.run(["losetup", "-j", str(base / "image")], check=True, capture_output=True, text=True)
            yield base / "mount", found.stdout.split(":")[0].removeprefix("/dev/")
    finally:
        shutil.rmtree(base)


def written(device: str) -> int:
    """Bytes that the device was told to write so far."""
    for line in Path("/proc/diskstats").read_text().splitlines():
        fields = line.split()
        if fields[2] == device:
            return int(fields[9]) * 512
    raise RuntimeError(f"{device} is not in /proc/diskstats")


def sync(folder: Path) -> None:
    """Write out what waits for this file system alone: `os.sync` would disturb whatever is measured beside."""
    place = os.open(folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(place):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(place)
