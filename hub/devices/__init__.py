"""The plugs: their registry, whether they are there, commands to them, and finding new ones."""
