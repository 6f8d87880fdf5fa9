"""Nobody deletes what the audit log is to keep."""

from alembic import op

revision = "0005"
down_revision = "0004"

KEPT = (
    "CREATE TRIGGER audit_logs_kept BEFORE DELETE ON audit_logs "
    "WHEN OLD.refused IS NULL AND OLD.action <> 'device.switch' "
    "AND OLD.at >= (SELECT max(at) FROM audit_logs WHERE home = OLD.home) - 63072000000 "
    "AND EXISTS (SELECT 1 FROM homes WHERE id = OLD.home) "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
)


def upgrade() -> None:
    op.execute(KEPT)
