"""Names and addresses of people stand beside the audit log and go with their account; older lines stay as they are."""

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
