"""The commented configuration that a new home starts from."""

from pathlib import Path

from hub.messages import HubError

PACKAGED = Path(__file__).with_name("starting")
IN_REPOSITORY = Path(__file__).parents[2] / "config"


def starting_files() -> Path:
    """The folder of the starting configuration: inside the package, or config/ of the repository."""
    return PACKAGED if PACKAGED.is_dir() else IN_REPOSITORY


def write_starting_configuration(folder: Path) -> bool:
    """Fill an empty or missing `folder`; False, and nothing is touched, when something is in it.
    Raises HubError("config-folder-unwritable")."""
    try:
        return _write(folder)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise HubError("config-folder-unwritable", folder=str(folder), detail=detail) from error


def _write(folder: Path) -> bool:
    if folder.exists() and any(folder.iterdir()):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    source = starting_files()
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        target = folder / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Others on the machine need not read what a person will write there.
        target.touch(mode=0o600 if file.name == "secrets.yaml" else 0o644)
        target.write_bytes(file.read_bytes())
    return True
