"""Replies that follow from the generation alone carry an ETag and are not made twice for one client."""

from __future__ import annotations

import hashlib
from pathlib import Path

from litestar import Request, Response
from litestar.datastructures import MutableScopeHeaders
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED
from litestar.types import Message, Scope

import api
import indexer
import kb
from api.library import Library
from api.settings import Settings
from indexer.searcher import Searcher
from kb.corpus import corpus_names
from kb.errors import PremortemError

GENERATION_HEADER = "Premortem-Generation"


def stamp(settings: Settings, look: str) -> str:
    """Return a digest of what decides replies beside the generation: our code, the settings that pages show, templates (`look`)."""
    shown = (look, settings.repository, corpus_names(settings.cases[:1]))  # see `api.pages.edit_address`
    digest = hashlib.sha256(repr(shown).encode("utf-8", "backslashreplace"))
    for package in (api, indexer, kb):
        # The release alone would not do: a checkout changes between two of them.
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _tag(generation: str, scope: Scope) -> str:
    """Return the tag of one address: only a client that was answered there has it, so that errors are told to everybody else."""
    address = hashlib.sha256(b"?".join([scope["path"].encode("utf-8", "backslashreplace"), scope["query_string"]]))
    return f'W/"{generation}-{scope["litestar_app"].state.version}-{address.hexdigest()[:12]}"'


def _depends_on_generation_alone(request: Request) -> bool:  # type: ignore[type-arg]
    """Return whether a reply does; a search, on the map too, also depends on the encoder and the calibration."""
    path = request.url.path.rstrip("/")
    return request.method in {"GET", "HEAD"} and not path.endswith("/search") and not (path == "/map" and "q" in request.query_params)


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
    tag = _tag(generation, request.scope)
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
        headers.setdefault("ETag", _tag(generation, scope))
        headers.setdefault("Cache-Control", "no-cache")
