"""What ends open links, as a part of the transaction that makes them pointless or takes the right to make them."""

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.database.tables import home_users, invitations


async def end_password_links(connection: AsyncConnection, user: str, *which: ColumnElement[bool]) -> list[bytes]:
    """Those to this person's password for which all of `which` is so; returns their hashes, for who knows them in
    memory."""
    return await _end(connection, invitations.c.user == user, *which)


async def end_links_by(connection: AsyncConnection, author: str, home: str | None, *, first: str) -> list[bytes]:
    """Those that somebody made as an admin of this home (None: of any), whoever they let in: they would open again when
    their author came back. An admin of the first home also made those to passwords of who is in several homes."""
    made = invitations.c.author == author
    if home is None:
        return await _end(connection, made)
    here = invitations.c.home == home
    if home != first:
        return await _end(connection, made, here)
    in_several = select(home_users.c.user).group_by(home_users.c.user).having(func.count() > 1)
    return await _end(connection, made, or_(here, invitations.c.user.in_(in_several)))


async def _end(connection: AsyncConnection, *which: ColumnElement[bool]) -> list[bytes]:
    those = and_(*which)
    ended = list(await connection.scalars(select(invitations.c.hash).where(those)))
    await connection.execute(delete(invitations).where(those))
    return ended
