"""Replies that follow from the generation alone carry an ETag and are not made twice for one client."""

from __future__ import annotations

from litestar import Request, Response
from litestar.datastructures import MutableScopeHeaders
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED
from litestar.types import Message, Scope

from api.library import Library
from indexer.searcher import Searcher
from kb.errors import PremortemError

GENERATION_HEADER = "Premortem-Generation"


def _tag(generation: str, version: str) -> str:
    return f'W/"{generation}-{version}"'


def _depends_on_generation_alone(request: Request) -> bool:  # type: ignore[type-arg]
    return request.method in {"GET", "HEAD"} and not request.url.path.rstrip("/").endswith("/search")


def answer_not_modified(request: Request) -> Response | None:  # type: ignore[type-arg]
    """Answer 304 before the handler runs when the client already has this generation's reply."""
    known = request.headers.get("if-none-match")
    if not known or not _depends_on_generation_alone(request):
        return None
    library: Library = request.app.state.library
    try:
        generation = library.searcher().manifest.generation
    except PremortemError:
        return None
    tag = _tag(generation, request.app.state.version)
    return Response(None, status_code=HTTP_304_NOT_MODIFIED, headers={"ETag": tag}) if tag in known else None


def provide_searcher(request: Request, library: NamedDependency[Library]) -> Searcher:  # type: ignore[type-arg]
    """Give a request the searcher of one generation, whatever is published meanwhile, and remember which."""
    searcher = library.searcher()
    request.state.generation = searcher.manifest.generation
    return searcher


async def name_generation(message: Message, scope: Scope) -> None:
    """Add, before a reply is sent, the generation it was made from, and an ETag where it depends on nothing else."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
        return
    generation = scope.get("state", {}).get("generation")
    if not generation:
        return
    headers = MutableScopeHeaders.from_message(message)
    headers.setdefault(GENERATION_HEADER, generation)
    request: Request = Request(scope)  # type: ignore[type-arg]
    if message["status"] == HTTP_200_OK and _depends_on_generation_alone(request):
        headers.setdefault("ETag", _tag(generation, request.app.state.version))
        headers.setdefault("Cache-Control", "no-cache")
