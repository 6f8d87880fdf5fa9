"""History in one SQLite file beside the registry: needs nothing installed, and is the default."""
