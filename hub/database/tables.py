"""The tables of the registry. Times are Unix ms, ids opaque strings, hashes SHA-256.

A change here needs a migration in migrations/versions and a new HEAD.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

HEAD = "0002"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

homes = Table(
    "homes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(60), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("created", BigInteger, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("email", String(254), nullable=False, unique=True),  # lower case
    Column("name", String(60), nullable=False),
    Column("language", String(8), nullable=False),
    Column("password_hash", LargeBinary),  # bcrypt; null: cannot log in yet
    Column("disabled", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
)

home_users = Table(
    "home_users",
    metadata,
    Column("home", ForeignKey("homes.id", ondelete="CASCADE"), primary_key=True),
    Column("user", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(8), nullable=False),
    CheckConstraint("role IN ('admin', 'user', 'guest')", name="role"),
)

devices = Table(
    "devices",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("home", ForeignKey("homes.id", ondelete="CASCADE"), nullable=False),
    Column("hardware_id", String(64), nullable=False, unique=True),  # one MQTT name space for all homes
    Column("key", String(48), nullable=False),
    Column("name", String(60), nullable=False),
    Column("room", String(60)),
    Column("icon", String(40), nullable=False),
    Column("color", Integer, nullable=False),
    Column("driver", String(40), nullable=False),
    Column("model", String(60)),
    Column("firmware", String(40)),
    Column("interval_ms", Integer, nullable=False),
    Column("always_on", Boolean, nullable=False),
    Column("private", Boolean, nullable=False),
    Column("secret_hash", LargeBinary(32), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("keep_raw", Integer),  # days; null: as long as the home's
    Column("keep_minutes", Integer),
    Column("keep_hours", Integer),
    Column("keep_days", Integer),
    UniqueConstraint("home", "key"),
)

channels = Table(
    "channels",
    metadata,
    Column("device", ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", Integer, primary_key=True, autoincrement=False),
    Column("name", String(60)),
    Column("max_power_w", Integer),
    Column("idle_below_w", Float, nullable=False),
)

device_users = Table(
    "device_users",
    metadata,
    Column("device", ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True),
    Column("user", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("share", String(8), nullable=False),
    CheckConstraint("share IN ('view', 'control', 'manage')", name="share"),
)

mqtt_clients = Table(
    "mqtt_clients",
    metadata,
    Column("home", ForeignKey("homes.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(64), primary_key=True),
    Column("secret_hash", LargeBinary(32), nullable=False),
    Column("read", JSON, nullable=False),  # list of topic filters
    Column("write", JSON, nullable=False),
    Column("created", BigInteger, nullable=False),
)

plug_retained = Table(
    "plug_retained",
    metadata,
    Column("hardware_id", String(64), primary_key=True),
    Column("suffix", String(64), primary_key=True),
    Column("payload", LargeBinary, nullable=False),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("family", String(32), nullable=False),
    Column("user", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("home", ForeignKey("homes.id", ondelete="CASCADE"), nullable=False),
    Column("family_began", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used", BigInteger),  # when it was rotated; null: it is the newest of its family
    Index("ix_refresh_tokens_family", "family"),
)

settings = Table(
    "settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
)
