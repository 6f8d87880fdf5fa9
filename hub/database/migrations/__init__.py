"""Alembic's scripts: how an older registry becomes this hub's."""
