"""Contributions over HTTP: the check of a Markdown file, and the form that writes one. Nothing that is sent is stored or logged."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ClientException
from litestar.middleware import DefineMiddleware
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import QueryParameter
from litestar.response import Template
from litestar.status_codes import HTTP_200_OK, HTTP_413_REQUEST_ENTITY_TOO_LARGE

from api.checking import MAX_MARKDOWN, ContributionReport, ContributionRequest, Finding, check_markdown
from api.contribution import (
    LAST,
    LISTS,
    MAX_ROWS,
    STEPS,
    Form,
    empty_form,
    file_name,
    gap_words,
    in_form_words,
    markdown_of,
    read_form,
    safe_file_name,
    step_of,
)
from api.repository import propose
from api.routes import PROBLEMS, SEARCH_PROBLEMS
from api.schemas import Problem
from api.settings import Settings
from indexer.searcher import Searcher
from kb.case import Case
from kb.errors import QueryTooLongError

MAX_BODY_BYTES = 6 * MAX_MARKDOWN
"""Any text of `MAX_MARKDOWN` characters fits, however JSON or a form escapes it."""
_COMPARED_FROM = 3
"""Step from which on there is enough to compare."""
_NO_STORE = {"Cache-Control": "no-store"}
_log = logging.getLogger("premortem")
_TOO_MANY = {
    429: ResponseSpec(
        Problem, generate_examples=False, description="Too many checks in this minute.", media_type="application/problem+json"
    )
}


@dataclass
class CheckOperation(Operation):
    """The check takes Markdown as it is, or in JSON; Litestar describes but one of two."""

    def __post_init__(self) -> None:
        markdown = Schema(type=OpenAPIType.STRING, max_length=MAX_MARKDOWN, description="A case study, as told in cases/README.md.")
        name = Schema(type=OpenAPIType.STRING, default="new-case.md", description="Its file name, such as example-company-2019.md.")
        whole = Schema(
            type=OpenAPIType.OBJECT, properties={"markdown": markdown, "name": name}, required=["markdown"], additional_properties=False
        )
        self.request_body = RequestBody(
            required=True,
            content={"text/markdown": OpenAPIMediaType(schema=markdown), "application/json": OpenAPIMediaType(schema=whole)},
        )


class ContributionController(Controller):
    path = "/contributions"
    tags = ["contributions"]

    @post(
        "/check",
        operation_id="CheckContribution",
        operation_class=CheckOperation,
        responses={400: PROBLEMS[400], 503: PROBLEMS[503], 413: SEARCH_PROBLEMS[413], 422: SEARCH_PROBLEMS[422], **_TOO_MANY},
        status_code=HTTP_200_OK,
        request_max_body_size=MAX_BODY_BYTES,
    )
    async def check(
        self,
        request: Request[Any, Any, Any],
        searcher: NamedDependency[Searcher],
        name: Annotated[str, QueryParameter(max_length=200, description="File name of Markdown sent as it is.")] = "new-case.md",
    ) -> ContributionReport:
        """Return everything to mend in a case study, a preview, and the cases it is like. It is neither stored nor logged."""
        sent = _sent(await request.body(), request.headers.get("content-type", ""), name)
        checked = await asyncio.to_thread(check_markdown, sent.markdown, sent.name, searcher)
        _log.info("check: %d characters, %d findings", len(sent.markdown), len(checked.findings))
        return ContributionReport(
            id=checked.id,
            title=checked.title,
            findings=checked.findings,
            neighbours=checked.neighbours,
            preview=preview(request, checked.case, searcher) if checked.case else "",
        )


def _sent(body: bytes, content_type: str, name: str) -> ContributionRequest:
    """Return what was sent, as JSON or as it is.

    Raises:
        ClientException: it is neither.
    """
    try:
        if content_type.partition(";")[0].strip().lower() == "application/json":
            return msgspec.json.decode(body, type=ContributionRequest)
        return ContributionRequest(markdown=body.decode("utf-8"), name=name)
    except UnicodeDecodeError as error:
        raise ClientException("the body is not UTF-8") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise ClientException(f"the body is not what this address takes: {error}") from error


def preview(request: Request[Any, Any, Any], case: Case, searcher: Searcher) -> str:
    """Return a case as HTML: inline Markdown passes through nh3, everything else is escaped by the template."""
    engine = request.app.template_engine
    assert engine is not None
    template = engine.get_template("contribute_preview.html")
    return str(template.render(case=case, taxonomy=searcher.store.taxonomy))


async def _form_of(request: Request[Any, Any, Any]) -> Form:
    """Return what a browser sent, see `read_form`.

    Raises:
        QueryError: it is no form, or a list is too long.
        QueryTooLongError: it is far longer than any contribution may be.
    """
    try:
        return read_form(await request.body())
    except ClientException as error:
        if error.status_code != HTTP_413_REQUEST_ENTITY_TOO_LARGE:
            raise
        raise QueryTooLongError(
            f"the form holds far more than the {MAX_MARKDOWN:,} characters that are allowed",
            next_step="tell it shorter; the longest published case study has about 9,000",
        ) from error


class ContributePages(Controller):
    """The form. Every answer carries all that was typed; the server forgets it."""

    path = "/contribute"
    include_in_schema = False
    request_max_body_size = MAX_BODY_BYTES

    @get("/", sync_to_thread=True)
    def start(self, searcher: NamedDependency[Searcher]) -> Template:
        form = empty_form()
        return Template("contribute.html", context={**_shared(searcher), "form": form})

    @post("/", status_code=HTTP_200_OK)
    async def step(
        self, request: Request[Any, Any, Any], searcher: NamedDependency[Searcher], settings: NamedDependency[Settings]
    ) -> Template:
        """Show the step that was asked for, with what is to mend in it."""
        form = await _form_of(request)
        context = await asyncio.to_thread(_context, form, searcher, settings)
        # Not no-store: the browser's back button would then ask to send the form again instead of showing it.
        return Template("contribute.html", context=context, headers={"Cache-Control": "private, no-cache"})

    @post("/file", status_code=HTTP_200_OK)
    async def file(self, request: Request[Any, Any, Any], searcher: NamedDependency[Searcher]) -> Response[str]:
        """Return the Markdown as a file to keep."""
        form = await _form_of(request)
        markdown = await asyncio.to_thread(_markdown, form, searcher)
        disposition = f'attachment; filename="{safe_file_name(form)}.md"'
        return Response(markdown, media_type="text/markdown; charset=utf-8", headers={**_NO_STORE, "Content-Disposition": disposition})


class ContributePanel(Controller):
    """The check beside the form, which the script asks for while somebody types."""

    path = "/contribute/panel"
    include_in_schema = False
    request_max_body_size = MAX_BODY_BYTES

    @post("/", status_code=HTTP_200_OK)
    async def panel(
        self, request: Request[Any, Any, Any], searcher: NamedDependency[Searcher], settings: NamedDependency[Settings]
    ) -> Template:
        form = await _form_of(request)
        context = await asyncio.to_thread(_context, form, searcher, settings)
        return Template("contribute_panel.html", context=context, headers=_NO_STORE)


def _markdown(form: Form, searcher: Searcher) -> str:
    strategies = {stored.strategy.id: stored.strategy for stored in searcher.store.strategies()}
    return markdown_of(form, searcher.store.taxonomy, strategies)


def _shared(searcher: Searcher) -> dict[str, Any]:
    """Return what every state of the form shows."""
    strategies = sorted((stored.strategy for stored in searcher.store.strategies()), key=lambda each: each.meta.title)
    return {
        "taxonomy": searcher.store.taxonomy,
        "manifest": searcher.manifest,
        "drafts": searcher.store.drafts,
        "strategies": strategies,
        "steps": STEPS,
        "last": LAST,
        "lists": LISTS,
        "max_rows": MAX_ROWS,
    }


def _context(form: Form, searcher: Searcher, settings: Settings) -> dict[str, Any]:
    """Return the form with its check: what is to mend step by step, the cases it is like, the ways to send it."""
    markdown = _markdown(form, searcher)
    name = f"{file_name(form)}.md"
    checked = check_markdown(markdown, f"studies/{name}", searcher, compare=form.step >= _COMPARED_FROM)
    _log.info("contribution form: step %d, %d characters, %d findings", form.step, len(markdown), len(checked.findings))
    mistakes: dict[int, list[Finding]] = {step: [] for step in range(1, LAST + 1)}
    gaps: dict[int, dict[str, None]] = {step: {} for step in range(1, LAST + 1)}  # in order, each once
    for finding in checked.findings:
        step = step_of(markdown, finding.line)
        if finding.is_gap:
            gaps[step][gap_words(markdown, finding.line, finding.column)] = None
        else:
            told = {"message": in_form_words(finding.message), "advice": in_form_words(finding.advice)}
            mistakes[step].append(msgspec.structs.replace(finding, **told))
    return {
        **_shared(searcher),
        "form": form,
        "checked": checked,
        "case": checked.case,
        "markdown": markdown,
        "name": safe_file_name(form) + ".md",
        "mistakes": mistakes,
        "summary": f"{len(mistakes[form.step]) or 'nothing'} to mend, {len(gaps[form.step]) or 'nothing'} still open".capitalize(),
        "gaps": {step: list(its) for step, its in gaps.items()},
        "proposal": propose(settings, safe_file_name(form), markdown) if form.step == LAST else None,
    }


def contribution_api(settings: Settings) -> Router:
    """Return the route that checks Markdown; how often one client may use it is limited, since every check runs a search."""
    return Router(path="/", route_handlers=[ContributionController], middleware=[_limit(settings)])


def contribution_pages(settings: Settings) -> Router:
    """Return the pages of the form. Only what the script asks for by itself is limited: a person's button always works."""
    panel = Router(path="/", route_handlers=[ContributePanel], middleware=[_limit(settings)])
    return Router(
        path="/",
        route_handlers=[ContributePages, panel],
        dependencies={"settings": Provide(lambda: settings, sync_to_thread=False)},
    )


def _limit(settings: Settings) -> DefineMiddleware:
    return RateLimitConfig(rate_limit=("minute", settings.checks_per_minute), store="contributions").middleware
