"""The audit log: searched page by page, and exported whole."""

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from hub.api.rest.export import STALLED_SECONDS
from hub.api.routing import AnyCall, Call, Route
from hub.api.table import FORMULA
from hub.api.types.audit import AuditLine, AuditList
from hub.auth.audit import Asked, Entry
from hub.messages import HubError

TAG = "audit"
COLUMNS = ("time_utc", "actor", "name", "origin", "via", "action", "object", "refused", "count", "before", "after")
Text = Annotated[str, Meta(min_length=1, max_length=80)]
Moment = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """Which lines; what is left out does not matter. `action`: a whole one (user.change) or its first word (user)."""

    actor: Text | None = None
    action: Text | None = None
    object: Text | None = None
    start: Moment | None = None
    end: Moment | None = None
    refused: bool | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    cursor: Annotated[str, Meta(max_length=100)] | None = None

    def asked(self) -> Asked:
        """As the log takes it."""
        return Asked(self.actor, self.action, self.object, self.start, self.end, self.refused)


def line_view(call: AnyCall, entry: Entry) -> AuditLine:
    """A line as the API shows it."""
    user = None if entry.actor is None else call.services.people.user(entry.actor)
    fields = msgspec.structs.asdict(entry)
    del fields["home"]
    return AuditLine(**fields, name=None if user is None else user.name)


async def list_audit(call: Call[AuditQuery, None]) -> AuditList:
    """GET /audit"""
    query = call.query
    below = None
    if query.cursor is not None:
        if not query.cursor.isascii() or not query.cursor.isdigit() or len(query.cursor) > 18:
            raise HubError("field-invalid", field="cursor", name="cursor")
        below = int(query.cursor)
    entries = await call.services.identity.audit.page(call.principal, query.asked(), below=below, limit=query.limit + 1)
    shown = entries[: query.limit]
    following = str(shown[-1].id) if len(entries) > query.limit else None
    return AuditList([line_view(call, entry) for entry in shown], following)


async def export_audit(call: Call[AuditQuery, None]) -> web.StreamResponse:
    """GET /audit/export"""
    response = web.StreamResponse(headers={"Cache-Control": "no-store"})
    response.content_type, response.charset = "text/csv", "utf-8"
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    with call.services.exports.taken("exports-too-many"):
        pages = call.services.identity.audit.all(call.principal, call.query.asked())
        try:
            await response.prepare(call.request)
            if not call.wants_head_only:
                await send(response, rows([COLUMNS]))
                async for page in pages:
                    await send(response, rows([texts(line_view(call, entry)) for entry in page]))
            await response.write_eof()
        except TimeoutError:  # cut off: a file that ends early must not look complete
            if call.request.transport is not None:
                call.request.transport.abort()
        except ConnectionError:
            pass  # whoever asked has left; there is nobody to tell
    return response


async def send(response: web.StreamResponse, page: bytes) -> None:
    """Who takes nothing of it holds one of the few places no longer than this."""
    async with asyncio.timeout(STALLED_SECONDS):
        await response.write(page)


def texts(line: AuditLine) -> tuple[str, ...]:
    """A line as the cells of a table; what begins like a formula does not stay one."""
    values = (
        datetime.fromtimestamp(line.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        *(line.actor, line.name, line.origin, line.via, line.action, line.object, line.refused, line.count),
        *(None if part is None else json.dumps(part, ensure_ascii=False) for part in (line.before, line.after)),
    )
    plain = ("" if value is None else str(value) for value in values)
    return tuple(f"'{text}" if text.startswith(FORMULA) else text for text in plain)


def rows(lines: Sequence[Sequence[str]]) -> bytes:
    """CSV (RFC 4180)."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(lines)
    return out.getvalue().encode()


EXAMPLE = AuditLine(
    id=41,
    at=1764000123000,
    actor="9c41d2aa01b7e655",
    name="Ada",
    origin="192.168.1.20",
    via="session 4be01c77d2aa9f03",
    action="device.change",
    object="5b1c9a2e77f04d13",
    before={"name": "Washer"},
    after={"name": "Washing machine"},
    refused=None,
    count=1,
)

ROUTES = (
    Route(
        method="GET",
        path="/audit",
        summary="Who did what, and who was refused",
        tag=TAG,
        handler=list_audit,
        role="admin",
        query=AuditQuery,
        answer=AuditList,
        errors=("field-invalid",),
        description="Of this home, the newest first; kept for two years.",
        answer_example=AuditList([EXAMPLE], "41"),
    ),
    Route(
        method="GET",
        path="/audit/export",
        summary="The same as a CSV file",
        tag=TAG,
        handler=export_audit,
        role="admin",
        query=AuditQuery,
        media="text/csv",
        errors=("exports-too-many",),
    ),
)
