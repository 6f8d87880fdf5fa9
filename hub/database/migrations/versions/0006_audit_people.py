"""Names and addresses of people stand beside the audit log and go with their account, those of older lines, too."""

import json
import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

APPEND_ONLY = (
    "CREATE TRIGGER audit_people_append_only BEFORE UPDATE ON audit_people "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
)
KEPT = (
    "CREATE TRIGGER audit_people_kept BEFORE DELETE ON audit_people "
    "WHEN OLD.at >= (SELECT max(at) FROM audit_people) - 63072000000 "
    "AND EXISTS (SELECT 1 FROM users WHERE id = OLD.user) "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
)

LINES_APPEND_ONLY = (
    "CREATE TRIGGER audit_logs_append_only BEFORE UPDATE ON audit_logs "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
)
PERSONAL = ("name", "email")
TELLING = (
    "SELECT id, at, object, before, after FROM audit_logs "
    "WHERE action IN ('setup', 'profile.change') OR action LIKE 'user.%'"
)
WRONG_LOGINS = (  # of an account that there was, as it was typed: often its address
    "UPDATE audit_logs SET object = actor WHERE action = 'login' AND refused IS NOT NULL AND actor IS NOT NULL"
)


def upgrade() -> None:
    op.create_table(
        "audit_people",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_audit_people_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_people")),
    )
    op.create_index("ix_audit_people_user", "audit_people", ["user"], unique=False)
    op.execute(APPEND_ONLY)
    op.execute(KEPT)
    # The one time that lines change: the whole upgrade is one transaction, in which nobody else writes.
    op.execute("DROP TRIGGER audit_logs_append_only")
    put_aside(op.get_bind())
    op.execute(LINES_APPEND_ONLY)


def put_aside(connection: sa.Connection) -> None:
    """Of who is gone already nothing stays."""
    people = set(connection.execute(sa.text("SELECT id FROM users")).scalars())
    for line in connection.execute(sa.text(TELLING)).all():
        values: dict[str, Any] = {"id": line.id}
        for name in ("before", "after"):
            part = json.loads(getattr(line, name) or "null")
            if isinstance(part, dict):
                part |= {
                    field: referring(connection, part[field], line.object if line.object in people else None, line.at)
                    for field in PERSONAL
                    if isinstance(part.get(field), str)
                }
            values[name] = None if part is None else json.dumps(part)
        connection.execute(sa.text("UPDATE audit_logs SET before = :before, after = :after WHERE id = :id"), values)
    connection.execute(sa.text(WRONG_LOGINS))


def referring(connection: sa.Connection, value: str, user: str | None, at: int) -> dict[str, str]:
    """What stands in the line instead."""
    id = secrets.token_hex(8)
    if user is not None:
        row = {"id": id, "user": user, "at": at, "value": value}
        connection.execute(sa.text("INSERT INTO audit_people VALUES (:id, :user, :at, :value)"), row)
    return {"person": id}
