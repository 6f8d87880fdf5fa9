"""Old registries: from every released schema, step by step, after a checked copy, all or nothing."""

import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete, text
from sqlalchemy.exc import IntegrityError

from hub.auth.audit import Asked, Audit
from hub.auth.principal import system
from hub.database import Database
from hub.database import upgrade as upgrading
from hub.database.tables import HEAD, users
from hub.messages import HubError
from hub.testing.clock import FakeClock
from tests.database.freeze import FOLDER, freeze
from tests.database.schema import rows, schema

FROZEN = sorted(FOLDER.glob("*.sql"))
NEXT, AFTER = f"{int(HEAD) + 1:04}", f"{int(HEAD) + 2:04}"


def thaw(frozen: Path, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(frozen.read_text(encoding="utf-8"))


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of migrations that a test may add to."""
    folder = tmp_path / "migrations"
    shutil.copytree(upgrading.VERSIONS.parent, folder)
    monkeypatch.setattr(upgrading, "VERSIONS", folder / "versions")
    return folder / "versions"


def add(versions: Path, revision: str, body: str) -> None:
    (versions / f"{revision}_added.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f'revision = "{revision}"\ndown_revision = "{int(revision) - 1:04}"\ndef upgrade():\n    {body}\n'
    )


def test_every_schema_is_frozen() -> None:
    versions = {path.name[:4] for path in upgrading.VERSIONS.glob("[0-9]*.py")}
    assert {path.stem for path in FROZEN} == versions, "run `python -m tests.database.freeze`"
    assert HEAD in versions


def test_the_newest_frozen_one_is_the_present_schema(tmp_path: Path) -> None:
    frozen = freeze(tmp_path / "again")
    assert frozen.read_text() == FROZEN[-1].read_text()
    with pytest.raises(FileExistsError):
        freeze(tmp_path / "again")


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda path: path.stem)
async def test_a_released_schema_opens_with_all_that_was_in_it(tmp_path: Path, frozen: Path) -> None:
    database = Database(tmp_path / "data")
    database.path.parent.mkdir()
    thaw(frozen, database.path)
    before = rows(database.path)
    assert all(len(content) == 2 for content in before.values())
    await database.open()
    await database.close()
    made = tmp_path / "made.sqlite"
    upgrading.create(made)
    assert schema(database.path) == schema(made)
    after = rows(database.path)
    for table in before.keys() & after.keys():
        kept = [
            {name: row[name] for name in row.keys() & old.keys()}
            for row, old in zip(after[table], before[table], strict=True)
        ]
        assert kept == [
            {name: old[name] for name in row.keys() & old.keys()}
            for row, old in zip(after[table], before[table], strict=True)
        ]


async def test_names_in_lines_from_before_go_with_the_account(tmp_path: Path) -> None:
    database = Database(tmp_path / "data")
    database.path.parent.mkdir()
    thaw(FOLDER / "0005.sql", database.path)
    told = [
        ("user.add", "id-1", None, {"name": "Ben", "email": "ben@private.example", "role": "user"}),
        ("profile.change", "id-1", {"name": "Ben"}, {"name": "Benny"}),
        ("user.add", "gone", None, {"name": "Zoe", "language": "en"}),
        ("device.add", "lamp", None, {"name": "Lamp"}),
    ]
    with closing(sqlite3.connect(database.path)) as connection, connection:
        for action, thing, before, after in told:
            connection.execute(
                "INSERT INTO audit_logs(home, at, origin, via, action, object, before, after, count) "
                "VALUES ('id-1', 5, '', '', ?, ?, ?, ?, 1)",
                (action, thing, before and json.dumps(before), json.dumps(after)),
            )
        connection.execute(
            "INSERT INTO audit_logs(home, at, actor, origin, via, action, object, refused, count) "
            "VALUES ('id-1', 6, 'id-1', '', '', 'login', 'ben@private.example', 'login-wrong', 1)"
        )
    await database.open()
    audit = Audit(database, FakeClock())
    before = await audit.page(system("id-1"), Asked(start=5), below=None, limit=10)
    stored = repr(rows(database.path)["audit_logs"])
    async with database.transaction() as connection:
        await connection.execute(delete(users).where(users.c.id == "id-1"))
    after = await audit.page(system("id-1"), Asked(start=5), below=None, limit=10)
    left = rows(database.path)["audit_people"]
    await database.close()
    assert [(line.action, line.object, line.before, line.after) for line in reversed(before)] == [
        *told[:2],
        ("user.add", "gone", None, {"name": None, "language": "en"}),
        told[3],
        ("login", "id-1", None, None),
    ]
    assert not [name for name in ("Ben", "private.example", "Zoe") if name in stored]
    assert [(line.before, line.after) for line in reversed(after)][:2] == [
        (None, {"name": None, "email": None, "role": "user"}),
        ({"name": None}, {"name": None}),
    ]
    assert left == []


async def test_names_of_keys_and_passkeys_in_lines_from_before_go_with_the_account(tmp_path: Path) -> None:
    """A key's owner is known by the key, or by the line of its making; where neither is there, its name goes now."""
    database = Database(tmp_path / "data")
    database.path.parent.mkdir()
    thaw(FOLDER / "0006.sql", database.path)  # in which the key id-1 is of id-1
    told = [
        ("system", "key.add", "id-1", None, {"name": "Bens script", "scopes": ["read"]}),
        ("id-1", "key.add", "gone-key", None, {"name": "Bens old one"}),
        ("id-2", "key.remove", "gone-key", {"name": "Bens old one"}, None),
        ("id-2", "key.remove", "other-key", {"name": "Bens oldest"}, None),
        ("id-1", "passkey.rename", "p", {"name": "Bens phone"}, {"name": "Bens tablet"}),
        ("id-1", "login", "id-1", None, {"passkey": "Bens tablet"}),
        ("gone", "passkey.add", "q", None, {"name": "Zoes phone", "rp_id": "plughub.local"}),
        ("id-1", "device.add", "lamp", None, {"name": "Bens lamp"}),
    ]
    with closing(sqlite3.connect(database.path)) as connection, connection:
        for actor, action, thing, before, after in told:
            connection.execute(
                "INSERT INTO audit_logs(home, at, actor, origin, via, action, object, before, after, count) "
                "VALUES ('id-1', 5, ?, '', '', ?, ?, ?, ?, 1)",
                (actor, action, thing, before and json.dumps(before), after and json.dumps(after)),
            )
    await database.open()
    audit = Audit(database, FakeClock())
    found = await audit.page(system("id-1"), Asked(start=5), below=None, limit=10)
    stored = repr(rows(database.path)["audit_logs"])
    async with database.transaction() as writing:
        await writing.execute(delete(users).where(users.c.id == "id-1"))
        with pytest.raises(IntegrityError, match="append-only"):
            await writing.execute(text("UPDATE audit_logs SET at = 1"))
    left = await audit.page(system("id-1"), Asked(start=5), below=None, limit=10)
    await database.close()
    seen = [(line.actor, line.action, line.object, line.before, line.after) for line in reversed(found)]
    assert seen == [
        *told[:3],
        ("id-2", "key.remove", "other-key", {"name": None}, None),
        *told[4:6],
        ("gone", "passkey.add", "q", None, {"name": None, "rp_id": "plughub.local"}),
        told[7],
    ]
    assert not [name for name in ("script", "old one", "oldest", "phone", "tablet") if f"Bens {name}" in stored]
    assert "Zoes" not in stored
    assert "Bens" not in repr(list(left)[1:]), "but for the name of the lamp"


@pytest.mark.parametrize("version", [None, "", "ae1027a6acf1"], ids=["no Alembic", "no version", "other versions"])
async def test_a_database_of_something_else_is_named_and_stays(tmp_path: Path, version: str | None) -> None:
    database = Database(tmp_path)
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
        if version is not None:
            connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
            connection.execute("INSERT INTO alembic_version SELECT ? WHERE ? != ''", (version, version))
    before = database.path.read_bytes()
    with pytest.raises(HubError) as caught:
        await database.open()
    assert caught.value.id == "database-foreign"
    assert str(database.path) in str(caught.value)
    assert database.path.read_bytes() == before
    assert database.mended is None


async def test_steps_run_one_after_the_other_after_a_checked_copy(
    tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(migrations, NEXT, 'op.add_column("homes", sa.Column("note", sa.String(20)))')
    add(migrations, AFTER, "op.execute(\"UPDATE homes SET note = 'from ' || id\")")
    monkeypatch.setattr(upgrading, "HEAD", AFTER)
    database = Database(tmp_path / "data")
    database.path.parent.mkdir()
    thaw(FOLDER / "0001.sql", database.path)
    before = rows(database.path)
    await database.open()
    await database.close()
    assert upgrading.read_revision(database.path) == AFTER
    assert [row["note"] for row in rows(database.path)["homes"]] == ["from id-1", "from id-2"]
    [copy] = (tmp_path / "data" / "backups").iterdir()
    assert re.fullmatch(r"registry-0001-\d{8}T\d{6}Z\.sqlite", copy.name)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert rows(copy) == before


@pytest.mark.parametrize(
    "body",
    [
        'raise OSError("no space left")',
        "op.execute(\"INSERT INTO channels(device, channel, idle_below_w) VALUES ('nobody', 0, 1.0)\")",
        'op.execute("SELECT * FROM no_such_table")',
    ],
    ids=("raises", "breaks a reference", "wrong SQL"),
)
async def test_a_failing_step_changes_nothing_and_says_what_to_do(
    tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    database = Database(tmp_path / "data")
    database.path.parent.mkdir()
    thaw(FOLDER / "0001.sql", database.path)
    before = (schema(database.path), rows(database.path))
    add(migrations, NEXT, 'op.execute("CREATE TABLE half (id INTEGER)")')
    add(migrations, AFTER, body)
    monkeypatch.setattr(upgrading, "HEAD", AFTER)
    with pytest.raises(HubError) as caught:
        await database.open()
    assert caught.value.id == "database-upgrade-failed"
    assert f"(step {AFTER})" in str(caught.value)
    assert "registry-0001-" in str(caught.value)
    assert (schema(database.path), rows(database.path)) == before
    assert upgrading.read_revision(database.path) == "0001"
    monkeypatch.undo()  # the version before
    await database.open()
    await database.close()


async def test_without_a_copy_nothing_is_begun(
    tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "data")
    database.path.parent.mkdir()
    thaw(FOLDER / "0001.sql", database.path)
    add(migrations, NEXT, 'op.execute("CREATE TABLE more (id INTEGER)")')
    monkeypatch.setattr(upgrading, "HEAD", NEXT)
    (tmp_path / "data" / "backups").write_text("a file where the folder goes")
    with pytest.raises(HubError) as caught:
        await database.open()
    assert caught.value.id == "database-copy-failed"
    assert upgrading.read_revision(database.path) == "0001"


async def test_the_last_copies_stay(tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(tmp_path / "data")
    backups = tmp_path / "data" / "backups"
    backups.mkdir(parents=True)
    for number in range(5):
        (backups / f"registry-000{number}-20200101T00000{number}Z.sqlite").touch()
    (backups / "registry-latest.sqlite").touch()
    os.utime(backups / "registry-latest.sqlite", (1000, 1000))
    thaw(FOLDER / "0001.sql", database.path)
    add(migrations, NEXT, 'op.execute("CREATE TABLE more (id INTEGER)")')
    monkeypatch.setattr(upgrading, "HEAD", NEXT)
    await database.open()
    await database.close()
    names = sorted(path.name for path in backups.iterdir())
    assert "registry-latest.sqlite" in names, "it is no copy from before an upgrade"
    assert len(names) == upgrading.KEPT + 1
    assert any(name.startswith("registry-0001-2") and "20200101" not in name for name in names)
