"""Where a hub keeps its things: the folders of data and configuration, and the options that name others."""

import argparse
import os
from pathlib import Path

from hub.cli.speech import sentence

DATA_VARIABLE = "PLUGHUB_DATA"
CONFIG_VARIABLE = "PLUGHUB_CONFIG"


def default_data_dir() -> Path:
    """PLUGHUB_DATA, else the user's own folder for data."""
    return _folder(DATA_VARIABLE, "XDG_DATA_HOME", Path(".local", "share"))


def default_config_dir() -> Path:
    """PLUGHUB_CONFIG, else the user's own folder for configuration."""
    return _folder(CONFIG_VARIABLE, "XDG_CONFIG_HOME", Path(".config"))


def _folder(own: str, base: str, usual: Path) -> Path:
    if os.environ.get(own):
        return Path(os.environ[own]).expanduser()
    return (Path(os.environ[base]) if os.environ.get(base) else Path.home() / usual) / "plughub"


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """--config"""
    default = default_config_dir()
    parser.add_argument("--config", type=Path, default=default, help=sentence("cli-config", default=str(default)))


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """--data"""
    default = default_data_dir()
    parser.add_argument("--data", type=Path, default=default, help=sentence("cli-data", default=str(default)))
