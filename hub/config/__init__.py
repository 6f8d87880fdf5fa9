"""The configuration folder: YAML → checked, typed configuration; every mistake at once as file:line:column."""

from hub.config.loader import FILE, LoadedConfiguration, load_configuration
from hub.config.place import ConfigurationError, Place, Problem
from hub.config.schema import Configuration, Retention
from hub.config.starting import write_starting_configuration

__all__ = [
    "FILE",
    "Configuration",
    "ConfigurationError",
    "LoadedConfiguration",
    "Place",
    "Problem",
    "Retention",
    "load_configuration",
    "write_starting_configuration",
]
