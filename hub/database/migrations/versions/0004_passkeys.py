"""Which name of the hub a passkey belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("passkeys", sa.Column("rp_id", sa.String(length=253), server_default="", nullable=False))
