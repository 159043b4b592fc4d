"""What a request passes before any handler: HEAD read as GET, and a door that closes when too many wait."""

from __future__ import annotations

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from kb.errors import OverloadedError

RETRY_AFTER_S = 5
"""What a refused client is told to wait."""
_ALWAYS = ("/static/", "/metrics", "/api/v1/health/")
"""Answered however many wait: they take no time, and tell whether the server lives."""


def head_as_get(app: ASGIApp) -> ASGIApp:
    """Return the app, answering HEAD with status and headers of GET and no body. Litestar would answer 405."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "HEAD":
            await app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await app({**scope, "method": "GET"}, receive, without_body)

    return answer


class RefuseWhenFull(ASGIMiddleware):
    """Refuses a request at once when so many are under way that it would wait for long.

    Raises:
        OverloadedError: `most` requests are under way.
    """

    def __init__(self, most: int) -> None:
        self.should_bypass_for_scope = lambda scope: scope["path"].startswith(_ALWAYS)
        self._most = most
        self._under_way = 0  # requests meet in one event loop, so that a plain number will do

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if self._under_way >= self._most:
            raise OverloadedError("too many requests are under way", next_step=f"try again in {RETRY_AFTER_S} seconds")
        self._under_way += 1
        try:
            await next_app(scope, receive, send)
        finally:
            self._under_way -= 1
