"""Serves the built web app: its files, its index.html for every page, and a plain page while it is not built."""

import html
from pathlib import Path
from typing import Any

from aiohttp import web

from hub.accept import reader_language, weights
from hub.api.security import DOCS_POLICY
from hub.messages import HubError, Message, render

HASHED = "assets/"  # the build puts a hash of the content into each name below it
INDEX, DOCS = "index.html", "api-docs/page.html"  # served under addresses of their own
FOR_EVER = "public, max-age=31536000, immutable"
CHECK_FIRST = "no-cache"
PAGE = (
    '<!doctype html><html lang="{language}"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>Smart Plug AI</title><p>{text}</p></html>'
)


class WebApp:
    """The files below `root` (built by frontend/, absent until then). Only names found there are served."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: frozenset[str] = frozenset()

    def scan(self) -> None:
        """Learn which files there are; packed copies (.br, .gz) are chosen by aiohttp beside their original."""
        found = (path for path in self._root.rglob("*") if path.is_file())
        names = {path.relative_to(self._root).as_posix() for path in found}
        self._files = frozenset(name for name in names if not name.endswith((".br", ".gz")))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """A file, or index.html where a browser navigates to a page. Raises HubError("path-unknown")."""
        name = request.path.removeprefix("/")
        if name in self._files and name not in (INDEX, DOCS):
            return self._file(name, FOR_EVER if name.startswith(HASHED) else CHECK_FIRST)
        if not _wants_page(request):
            raise HubError("path-unknown")
        return self._page(INDEX, request)

    async def docs(self, request: web.Request) -> web.StreamResponse:
        """The page that describes the API and lets one try it."""
        response = self._page(DOCS, request)
        response.headers["Content-Security-Policy"] = DOCS_POLICY
        return response

    def _page(self, name: str, request: web.Request) -> web.StreamResponse:
        if name not in self._files:
            self.scan()
        return self._file(name, CHECK_FIRST) if name in self._files else _not_built(request)

    def _file(self, name: str, caching: str) -> web.FileResponse:
        response = _File(self._root / name)
        response.headers["Cache-Control"] = caching
        response.headers["Vary"] = "Accept-Encoding"
        if name.endswith(".webmanifest"):
            response.content_type = "application/manifest+json"
        return response


class _File(web.FileResponse):
    """aiohttp looks for the names of encodings only: `gzip;q=0`, which refuses it, would be taken for a wish."""

    def _make_response(self, request: web.BaseRequest, accept_encoding: str) -> Any:
        wanted = ", ".join(name for name, weight in weights(accept_encoding).items() if weight > 0)
        return super()._make_response(request, wanted)


def _wants_page(request: web.Request) -> bool:
    accept = request.headers.get("Accept", "")
    is_asset = request.path.startswith(f"/{HASHED}")  # a missing asset is an error, not the start page
    return not is_asset and ("text/html" in accept or request.path == "/")


def _not_built(request: web.Request) -> web.Response:
    language = reader_language(request.headers.get("Accept-Language"))
    text = html.escape(render(Message("web-app-not-built"), language))
    return web.Response(status=503, text=PAGE.format(language=language, text=text), content_type="text/html")
