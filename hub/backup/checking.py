"""Opens an archive that was written and makes sure that it would restore."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from hub.backup.archive import FileEntry, Index, Reader, digest_of
from hub.backup.keys import Keys
from hub.backup.pace import Pace
from hub.backup.sources import HISTORY_GROUP, is_sqlite, reading, require_whole
from hub.messages import HubError


def check_archive(reader: Reader, keys: Keys, scratch: Path, pace: Pace) -> Index:
    """Decrypt every frame, compare each with its digest, and let SQLite check the registry as it would be restored.

    What stands in earlier archives of the chain is not read again. Raises HubError("backup-damaged",
    "backup-passphrase-…"), Stopped.
    """
    reader.unlock(keys)
    index = reader.index()
    own = len(reader.head.chain) - 1
    expected = _own_blocks(index, own)
    for place, content in reader.frames():
        if next(expected, None) != (place, digest_of(content)):
            raise HubError("backup-damaged", file=reader.name)
        pace.took(len(content))
    if next(expected, None) is not None:
        raise HubError("backup-damaged", file=reader.name)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for number, entry in enumerate(index.files):
            if entry.group == HISTORY_GROUP:
                continue
            path = Path(folder) / str(number)
            with reading(path):
                file = path.open("wb")
            try:
                for piece in pieces(entry, {own: reader}, pace):
                    with reading(path):
                        file.write(piece)
            finally:
                with reading(path):
                    file.close()
            if is_sqlite(path):
                require_whole(path, shown=Path(entry.name))
            path.unlink()
    return index


def pieces(entry: FileEntry, readers: dict[int, Reader], pace: Pace) -> Iterator[bytes]:
    """The bytes of a file, from the archives of the chain by their number. Raises HubError("backup-damaged",
    "backup-chain-broken"), Stopped."""
    size = 0
    for number in range(entry.blocks):
        digest, archive, place = entry.block(number)
        reader = readers.get(archive)
        if reader is None:
            raise HubError("backup-chain-broken", file=entry.name)
        content = reader.block(place, digest)
        size += len(content)
        pace.took(len(content))
        yield content
    if size != entry.size:
        raise HubError("backup-damaged", file=entry.name)


def _own_blocks(index: Index, own: int) -> Iterator[tuple[int, bytes]]:
    for entry in index.files:
        for number in range(entry.blocks):
            digest, archive, place = entry.block(number)
            if archive == own:
                yield place, digest
