"""How long history of a device is kept, where that differs from its home's."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:

    for name in ("keep_raw", "keep_minutes", "keep_hours", "keep_days"):
        op.add_column("devices", sa.Column(name, sa.Integer(), nullable=True))
