"""Pages that follow from the generation alone are made once and kept as they were sent, compressed."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple, cast

from litestar.datastructures import Headers
from litestar.middleware import ASGIMiddleware
from litestar.status_codes import HTTP_200_OK
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api.library import Library

MOST_BYTES = 16_000_000
"""Of all pages kept together, with what they are kept by; the ones not asked for longest make room."""
MOST_KEY_BYTES = 500
"""Of what a page is kept by, path, query, Accept and Host together; hardly a link of ours is so long, but anybody may send one."""
_NEVER = ("/static/", "/metrics", "/api/", "/search")
"""What is no page, or follows from what someone typed."""


class _Kept(NamedTuple):
    start: dict[str, Any]
    body: dict[str, Any]
    size: int


class KeepPages(ASGIMiddleware):
    """Sends a page again that was made before from the same generation.

    What someone typed is never kept: no posted page, no search, and nothing that has keywords or a description in its address.
    """

    def __init__(self, library: Library, *, most_bytes: int = MOST_BYTES) -> None:
        self.should_bypass_for_scope = lambda scope: scope["path"].startswith(_NEVER)
        self._library = library
        self._most_bytes = most_bytes
        self._generation = ""
        self._pages: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()  # requests meet in one event loop: no lock

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        key = self._key(scope)
        generation = self._library.generation_at_hand()
        if key is None or generation is None:
            await next_app(scope, receive, send)
            return
        if generation != self._generation:
            self._pages.clear()
            self._generation = generation
        kept = self._pages.get(key)
        if kept:
            self._pages.move_to_end(key)
            scope["state"]["generation"] = generation
            await send(cast("Message", {**kept.start, "headers": list(kept.start["headers"])}))
            await send(cast("Message", kept.body))
            return
        sent: list[dict[str, Any]] = []

        async def keep(message: Message) -> None:
            sent.append(cast("dict[str, Any]", message))
            await send(message)

        await next_app(scope, receive, keep)
        if scope["state"].get("generation") == generation == self._generation:
            self._keep(key, sent)

    @staticmethod
    def _key(scope: Scope) -> tuple[object, ...] | None:
        """Return what a page depends on beside the generation, or None for a request whose reply is not kept."""
        headers, path = Headers.from_scope(scope), scope["path"]
        if cast("HTTPScope", scope)["method"] != "GET" or "if-none-match" in headers:
            return None
        if path.startswith(("/api/", "/static/")) or path.rstrip("/").endswith("/search"):
            return None
        query = scope["query_string"]
        if any(part.partition(b"=")[0] == b"q" for part in query.split(b"&")):
            return None
        zipped = "gzip" in headers.get("accept-encoding", "")
        key = (path, query, zipped, headers.get("accept", ""), headers.get("host", ""), scope["scheme"])
        return key if _key_bytes(key) <= MOST_KEY_BYTES else None

    def _keep(self, key: tuple[object, ...], sent: list[dict[str, Any]]) -> None:
        if len(sent) != 2 or sent[0].get("status") != HTTP_200_OK:
            return
        start, body = sent
        if not any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in start["headers"]):
            return
        size = len(body["body"]) + _key_bytes(key)
        self._pages[key] = _Kept(start, body, size)
        while sum(each.size for each in self._pages.values()) > self._most_bytes:
            self._pages.popitem(last=False)


def _key_bytes(key: tuple[object, ...]) -> int:
    return sum(len(part) for part in key if isinstance(part, str | bytes))
