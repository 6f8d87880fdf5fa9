"""What ends the open links to somebody's password, as a part of the transaction that makes them pointless."""

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.database.tables import invitations


async def end_password_links(connection: AsyncConnection, user: str, *which: ColumnElement[bool]) -> list[bytes]:
    """Those of this person for which all of `which` is so; returns their hashes, for who knows them in memory."""
    those = and_(invitations.c.user == user, *which)
    ended = list(await connection.scalars(select(invitations.c.hash).where(those)))
    await connection.execute(delete(invitations).where(those))
    return ended
