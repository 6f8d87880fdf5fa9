"""Alembic runs this: the migrations on the connection (and in the transaction) that hub.database.upgrade opened."""

from alembic import context

from hub.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
