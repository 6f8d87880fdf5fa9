"""One question over HTTPS that looks the same from every hub: no version, no name, no cookie, and one address only."""

import asyncio
import ssl
from urllib.parse import urlsplit

import aiohttp

from hub.messages import HubError

TIME_LIMIT = 15.0  # seconds, for all of it
HEADERS = {"User-Agent": "plughub", "Accept": "application/json", "Accept-Encoding": "identity"}


async def fetch(url: str, *, longest: int, time_limit: float = TIME_LIMIT) -> bytes:
    """What stands at this https:// address, at most `longest` bytes.

    Raises HubError: updates-unreachable (no connection, a certificate that this machine does not trust, too slow),
    updates-status (anything but 200: redirects are not followed), updates-too-large.
    """
    host = host_of(url)
    # Reading the system's certificates takes 20 ms.
    context = await asyncio.to_thread(ssl.create_default_context)
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=time_limit),
                headers=HEADERS,
                auto_decompress=False,
            ) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise HubError("updates-status", host=host, status=answer.status)
            body = b""
            while more := await answer.content.read(longest + 1 - len(body)):
                body += more
                if len(body) > longest:
                    raise HubError("updates-too-large", host=host, most=longest)
            return body
    except TimeoutError as error:
        raise HubError("updates-unreachable", host=host, detail=f"{time_limit:g} s") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise HubError("updates-unreachable", host=host, detail=str(error) or type(error).__name__) from error


def host_of(url: str) -> str:
    """Whom that asks."""
    return urlsplit(url).hostname or url
