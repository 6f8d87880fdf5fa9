"""Names of API keys and passkeys stand beside the audit log and go with their owner's account, as those of people."""

import json
import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

LINES_APPEND_ONLY = (
    "CREATE TRIGGER audit_logs_append_only BEFORE UPDATE ON audit_logs "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
)
TELLING = (
    "SELECT id, at, actor, action, object, before, after FROM audit_logs "
    "WHERE action LIKE 'key.%' OR action LIKE 'passkey.%' OR (action = 'login' AND after IS NOT NULL)"
)
MADE_KEYS = "SELECT object, actor FROM audit_logs WHERE action = 'key.add' AND refused IS NULL"
PERSONAL = ("name", "passkey")


def upgrade() -> None:
    # As in 0006: the whole upgrade is one transaction, in which nobody else writes.
    op.execute("DROP TRIGGER audit_logs_append_only")
    put_aside(op.get_bind())
    op.execute(LINES_APPEND_ONLY)


def put_aside(connection: sa.Connection) -> None:
    """Of who is gone already, and of keys whose owner nothing tells, no name stays."""
    people = set(connection.execute(sa.text("SELECT id FROM users")).scalars())
    made = {row.object: row.actor for row in connection.execute(sa.text(MADE_KEYS))}
    held = {row.id: row.user for row in connection.execute(sa.text("SELECT id, user FROM api_keys"))}
    owners = {**made, **held}  # the command line makes keys for others
    for line in connection.execute(sa.text(TELLING)).all():
        owner = owners.get(line.object) if line.action.startswith("key.") else line.actor
        values: dict[str, Any] = {"id": line.id}
        for name in ("before", "after"):
            part = json.loads(getattr(line, name) or "null")
            if isinstance(part, dict):
                part |= {
                    field: referring(connection, part[field], owner if owner in people else None, line.at)
                    for field in PERSONAL
                    if isinstance(part.get(field), str)
                }
            values[name] = None if part is None else json.dumps(part)
        connection.execute(sa.text("UPDATE audit_logs SET before = :before, after = :after WHERE id = :id"), values)


def referring(connection: sa.Connection, value: str, user: str | None, at: int) -> dict[str, str]:
    """What stands in the line instead."""
    id = secrets.token_hex(8)
    if user is not None:
        row = {"id": id, "user": user, "at": at, "value": value}
        connection.execute(sa.text("INSERT INTO audit_people VALUES (:id, :user, :at, :value)"), row)
    return {"person": id}
