"""The tables of the registry. Times are Unix ms, ids opaque strings, hashes SHA-256.

A change here needs a migration in migrations/versions and a new HEAD.
"""

from sqlalchemy import (
    DDL,
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
    event,
)

HEAD = "0007"
AUDIT_KEPT_MS = 2 * 365 * 24 * 3600 * 1000

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
    Column("price", Float),  # of a kWh in the home's currency; null: not said yet
    Column("week_start", Integer, nullable=False, server_default="0"),  # 0 = Monday
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
    Column("totp", LargeBinary),  # the second factor's secret, sealed with the key beside the database; null: none
    Column("totp_step", BigInteger),  # the newest step whose code was used: each serves once
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

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("home", ForeignKey("homes.id", ondelete="CASCADE"), nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),  # when its tokens were renewed last
    Column("address", String(64), nullable=False),
    Column("agent", String(200), nullable=False),  # what the browser or program calls itself
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column("session", ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used", BigInteger),  # when it was rotated; null: it is the newest of its session
    Index("ix_refresh_tokens_session", "session"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", LargeBinary(32), primary_key=True),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("credential", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", String(60), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger),
    Column("rp_id", String(253), nullable=False, server_default=""),  # the hub's name that it belongs to
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("home", ForeignKey("homes.id", ondelete="CASCADE"), nullable=False),
    Column("user", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(60), nullable=False),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("hint", String(24), nullable=False),  # its beginning, by which its owner knows it
    Column("scopes", JSON, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),  # null: never
    Column("used", BigInteger),  # null: never yet
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("home", ForeignKey("homes.id", ondelete="CASCADE"), nullable=False),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("role", String(8)),  # of a new member; null: the link sets the password of `user` anew
    Column("user", ForeignKey("users.id", ondelete="CASCADE")),
    Column("author", ForeignKey("users.id", ondelete="CASCADE")),  # null: the hub itself, from its command line
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)

rooms = Table(
    "rooms",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("home", ForeignKey("homes.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(60), nullable=False),  # a device names its room by it
    Column("position", Integer, nullable=False),
    UniqueConstraint("home", "name"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("home", ForeignKey("homes.id", ondelete="CASCADE"), nullable=False),
    Column("device", ForeignKey("devices.id", ondelete="CASCADE"), nullable=False),
    Column("channel", Integer, nullable=False),
    Column("name", String(60), nullable=False),
    Column("days", JSON, nullable=False),  # 0 = Monday
    Column("time", String(5), nullable=False),  # HH:MM in the home's zone
    Column("command", String(20), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("author", ForeignKey("users.id", ondelete="CASCADE")),  # whose rights it has; null: the hub's own
    Column("created", BigInteger, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("home", ForeignKey("homes.id", ondelete="CASCADE"), nullable=False),
    Column("device", ForeignKey("devices.id", ondelete="CASCADE"), nullable=False),
    Column("channel", Integer, nullable=False),
    Column("name", String(60), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("threshold", Float),  # W, where the kind has one
    Column("hold_s", Integer, nullable=False),  # how long it must be so
    Column("enabled", Boolean, nullable=False),
    Column("author", ForeignKey("users.id", ondelete="CASCADE")),
    Column("created", BigInteger, nullable=False),
    Column("since", BigInteger),  # since when it fires; null: all is well
)

audit_logs = Table(
    "audit_logs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("home", ForeignKey("homes.id", ondelete="CASCADE"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(32)),  # a user's id, "system", or null: nobody knows who
    Column("origin", String(64), nullable=False),  # an address, or "command line", "rule" ...
    Column("via", String(80), nullable=False),  # the session or the API key
    Column("action", String(60), nullable=False),
    Column("object", String(80)),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Column("refused", String(60)),  # why, where it was refused; null: it was done
    Column("count", Integer, nullable=False),  # of the same within a minute, where it was refused
    Index("ix_audit_logs_home", "home", "at"),
    sqlite_autoincrement=True,  # a number is never given twice
)

APPEND_ONLY = (
    "CREATE TRIGGER audit_logs_append_only BEFORE UPDATE ON audit_logs "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
)
KEPT = (
    "CREATE TRIGGER audit_logs_kept BEFORE DELETE ON audit_logs "
    "WHEN OLD.refused IS NULL AND OLD.action <> 'device.switch' "
    "AND OLD.at >= (SELECT max(at) FROM audit_logs WHERE home = OLD.home) - 63072000000 "
    "AND EXISTS (SELECT 1 FROM homes WHERE id = OLD.home) "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
)
"""What was done stays two years (ms), counted from the newest line, or as long as its home; refusals and switching are
bounded by their number."""
for trigger in (APPEND_ONLY, KEPT):
    event.listen(audit_logs, "after_create", DDL(trigger).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]

audit_people = Table(
    "audit_people",
    metadata,
    Column("id", String(32), primary_key=True),  # a line of the audit log refers to it
    Column("user", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("value", String(254), nullable=False),  # a name or an address, as it was then
)

PEOPLE_APPEND_ONLY = (
    "CREATE TRIGGER audit_people_append_only BEFORE UPDATE ON audit_people "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
)
PEOPLE_KEPT = (
    "CREATE TRIGGER audit_people_kept BEFORE DELETE ON audit_people "
    "WHEN OLD.at >= (SELECT max(at) FROM audit_people) - 63072000000 "
    "AND EXISTS (SELECT 1 FROM users WHERE id = OLD.user) "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
)
"""What somebody was called stays two years, or as long as their account."""
for trigger in (PEOPLE_APPEND_ONLY, PEOPLE_KEPT):
    event.listen(audit_people, "after_create", DDL(trigger).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]

settings = Table(
    "settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
)
