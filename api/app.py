"""The composition root: `create_app` is the only place where the parts meet."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import MutableScopeHeaders, State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import License
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.plugins.prometheus import PrometheusConfig, PrometheusController
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig
from litestar.types import Message, Scope

from api.caching import answer_not_modified, name_generation, provide_searcher
from api.contributing import contribution_api, contribution_pages
from api.library import Library
from api.markdown import inline_html, references_html
from api.pages import PageController
from api.parameters import provide_filters
from api.problems import JsonRequest, handle_error
from api.routes import (
    CaseController,
    CategoryController,
    FeedController,
    HealthController,
    SearchController,
    StatementController,
    StrategyController,
    openapi_document,
)
from api.settings import Settings, load_settings
from kb.corpus import shipped
from kb.text import plain

MAX_BODY_BYTES = 1_000_000
"""Larger request bodies are refused before they are read."""
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(settings: Settings) -> Litestar:
    """Return the server for these settings. It starts without an index too, and says what is missing."""
    library = Library(settings.index, model=settings.model, backend=settings.encoder)
    release = version("premortem")
    web = shipped("web")
    api = Router(
        path="/api/v1",
        route_handlers=[
            SearchController,
            CaseController,
            CategoryController,
            StrategyController,
            StatementController,
            FeedController,
            HealthController,
            contribution_api(settings),
            openapi_document,
        ],
    )

    @asynccontextmanager
    async def bounded_threads(_: Litestar) -> AsyncIterator[None]:
        with ThreadPoolExecutor(settings.threads, thread_name_prefix="search") as executor:
            asyncio.get_running_loop().set_default_executor(executor)
            yield

    return Litestar(
        route_handlers=[
            api,
            PageController,
            contribution_pages(settings),
            PrometheusController,
            create_static_files_router(path="/static", directories=[web / "static"], include_in_schema=False),
        ],
        dependencies={
            "library": Provide(lambda: library, sync_to_thread=False),
            "searcher": Provide(provide_searcher, sync_to_thread=True),
            # Not "filters": Litestar would take a mistake in that field of a request's body for one of ours.
            "facets": Provide(provide_filters, sync_to_thread=False),
        },
        state=State({"library": library, "version": release}),
        lifespan=[bounded_threads],
        before_request=answer_not_modified,
        before_send=[name_generation, harden],
        exception_handlers={Exception: handle_error},
        template_config=TemplateConfig(
            engine=JinjaTemplateEngine(engine_instance=None, directory=web / "templates"), engine_callback=_helpers(web)
        ),
        openapi_config=OpenAPIConfig(
            title="Premortem",
            version=release,
            use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin()],  # none given would mean pages that load scripts from elsewhere
            description="Documented failures of projects like yours, why they match, and what would have helped.",
            license=License(name="Apache-2.0", identifier="Apache-2.0"),
        ),
        middleware=[PrometheusConfig(app_name="premortem", group_path=True).middleware],
        logging_config=None,
        compression_config=CompressionConfig(backend="gzip", minimum_size=1000),
        request_class=JsonRequest,
        request_max_body_size=MAX_BODY_BYTES,
    )


async def harden(message: Message, _: Scope) -> None:
    """Add the security headers to every reply: those to errors and for static files pass no route handler that could."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in _SECURITY_HEADERS.items():
            headers.setdefault(name, value)


def _helpers(web: Path) -> Callable[[JinjaTemplateEngine], None]:
    """Return what gives the templates their helpers."""
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in (web / "static").iterdir()}

    def install(engine: JinjaTemplateEngine) -> None:
        environment = engine.engine
        environment.trim_blocks = environment.lstrip_blocks = True
        environment.filters["inline"] = inline_html
        environment.filters["refs"] = references_html
        environment.filters["plain"] = plain
        # The digest in the address lets browsers keep a file for ever and still get a new one at once.
        environment.globals["static"] = lambda name: f"/static/{name}?v={digests[name]}"

    return install


def app_from_environment() -> Litestar:
    """Return the server for the settings in the environment; what granian loads."""
    return create_app(load_settings(os.environ))
