"""The composition root: `create_app` is the only place where the parts meet."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import CacheControlHeader, MutableScopeHeaders, State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import License
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.plugins.prometheus import PrometheusConfig, PrometheusController
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig
from litestar.types import Message, Scope

from api.browsing import BrowseController
from api.caching import answer_not_modified, name_generation, provide_searcher, stamp
from api.charting import MapController
from api.comparing import CompareController
from api.contributing import contribution_api, contribution_pages
from api.keeping import KeepPages
from api.library import Library
from api.markdown import in_new_tab, inline_html, mark, references_html, unturned
from api.marking import marked, shared_stems
from api.pages import PageController
from api.parameters import provide_filters, refuse_long_names, refuse_unknown_parameters
from api.problems import JsonRequest, handle_error
from api.repository import edit_address
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
from api.transport import RefuseWhenFull, head_as_get
from kb.corpus import shipped
from kb.text import plain

MAX_BODY_BYTES = 1_000_000
"""Larger request bodies are refused before they are read."""
WAITING_PER_THREAD = 32
"""Requests under way at once, a search thread; one more is refused rather than left to wait."""
YEAR_S = 365 * 24 * 3600
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
    # Of templates, styles and scripts; in the address of static files, so that browsers may keep them for ever.
    look = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(web.rglob("*")) if path.is_file())).hexdigest()[:12]
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
        guards=[refuse_unknown_parameters],
    )

    @asynccontextmanager
    async def bounded_threads(_: Litestar) -> AsyncIterator[None]:
        with ThreadPoolExecutor(settings.threads, thread_name_prefix="search") as executor:
            asyncio.get_running_loop().set_default_executor(executor)
            yield

    app = Litestar(
        route_handlers=[
            api,
            PageController,
            BrowseController,
            MapController,
            CompareController,
            contribution_pages(settings),
            PrometheusController,
            create_static_files_router(
                path=f"/static/{look}",
                directories=[web / "static"],
                include_in_schema=False,
                cache_control=CacheControlHeader(public=True, immutable=True, max_age=YEAR_S),
            ),
        ],
        dependencies={
            "library": Provide(lambda: library, sync_to_thread=False),
            "searcher": Provide(provide_searcher, sync_to_thread=True),
            # Not "filters": Litestar would take a mistake in that field of a request's body for one of ours.
            "facets": Provide(provide_filters, sync_to_thread=False),
        },
        state=State({"library": library, "version": f"{release}-{stamp(settings, look)}"}),
        lifespan=[bounded_threads],
        guards=[refuse_long_names],
        before_request=answer_not_modified,
        before_send=[name_generation, harden],
        exception_handlers={Exception: handle_error},
        template_config=TemplateConfig(
            engine=JinjaTemplateEngine(engine_instance=None, directory=web / "templates"), engine_callback=_helpers(settings, look)
        ),
        openapi_config=OpenAPIConfig(
            title="Premortem",
            version=release,
            use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin()],  # none given would mean pages that load scripts from elsewhere
            description="Documented failures of projects like yours, why they match, and what would have helped.",
            license=License(name="Apache-2.0", identifier="Apache-2.0"),
        ),
        middleware=[
            PrometheusConfig(app_name="premortem", group_path=True).middleware,
            RefuseWhenFull(settings.threads * WAITING_PER_THREAD),
            KeepPages(library),
        ],
        logging_config=None,
        compression_config=CompressionConfig(backend="gzip", minimum_size=1000),
        request_class=JsonRequest,
        request_max_body_size=MAX_BODY_BYTES,
    )
    app.asgi_handler = head_as_get(app.asgi_handler)
    return app


async def harden(message: Message, _: Scope) -> None:
    """Add the security headers to every reply: those to errors and for static files pass no route handler that could."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in _SECURITY_HEADERS.items():
            headers.setdefault(name, value)


def _helpers(settings: Settings, look: str) -> Callable[[JinjaTemplateEngine], None]:
    """Return what gives the templates their helpers."""

    def install(engine: JinjaTemplateEngine) -> None:
        environment = engine.engine
        environment.trim_blocks = environment.lstrip_blocks = True
        environment.finalize = unturned
        environment.filters["inline"] = inline_html
        environment.filters["refs"] = references_html
        environment.filters["mark"] = mark
        environment.filters["plain"] = plain
        environment.filters["in_new_tab"] = in_new_tab
        environment.filters["marked"] = marked
        environment.globals["shared_stems"] = shared_stems
        environment.globals["static"] = lambda name: f"/static/{look}/{name}"
        environment.globals["edit_address"] = partial(edit_address, settings)

    return install


def app_from_environment() -> Litestar:
    """Return the server for the settings in the environment; what granian loads."""
    return create_app(load_settings(os.environ))
