"""Errors → HTTP: problem details (RFC 9457) for programs, a page with a way on for people."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from litestar import MediaType, Request, Response
from litestar.exceptions import ClientException, HTTPException
from litestar.plugins.problem_details import ProblemDetailsException
from litestar.response import Template

from api.catalogue import Entry, nearest_entries
from api.transport import RETRY_AFTER_S
from indexer.description import MAX_CHARACTERS
from kb.errors import (
    CaseExistsError,
    CorpusError,
    EncoderError,
    FilterError,
    FolderNotWritableError,
    IndexDamagedError,
    IndexFormatError,
    IndexLockedError,
    IndexMissingError,
    IndexUnavailableError,
    InvalidCasesError,
    MissingExtraError,
    NotFoundError,
    OverloadedError,
    PortInUseError,
    PremortemError,
    QueryError,
    QueryTooLongError,
    ServerError,
    SettingsError,
)

STATUS: dict[type[PremortemError], int] = {
    PremortemError: 500,
    MissingExtraError: 500,
    InvalidCasesError: 500,
    CorpusError: 500,
    NotFoundError: 404,
    CaseExistsError: 409,
    QueryError: 422,
    QueryTooLongError: 413,
    FilterError: 422,
    IndexUnavailableError: 503,
    IndexMissingError: 503,
    IndexDamagedError: 503,
    IndexFormatError: 503,
    IndexLockedError: 503,
    EncoderError: 503,
    SettingsError: 500,
    FolderNotWritableError: 500,
    ServerError: 500,
    PortInUseError: 500,
    OverloadedError: 503,
}
"""Every error of the tree → HTTP status; a test holds it complete."""
_log = logging.getLogger("premortem")


class JsonRequest(Request[Any, Any, Any]):
    async def json(self) -> Any:
        """Return the decoded body. Litestar answers these two mistakes of the client with 500."""
        try:
            return await super().json()
        except UnicodeDecodeError as error:
            raise ClientException("the body is not UTF-8") from error
        except RecursionError as error:
            raise ClientException("the body is nested too deeply") from error


def to_problem(error: Exception) -> ProblemDetailsException:
    """Return an error as problem details; what is not ours and not HTTP tells nothing of its inside."""
    if isinstance(error, ProblemDetailsException):
        return error
    if isinstance(error, PremortemError):
        return problem_of(STATUS[type(error)], error.code, str(error), error.next_step)
    if isinstance(error, HTTPException):
        extra = error.extra if isinstance(error.extra, list) else []
        where = "; ".join(f"{each.get('key', 'body')}: {each.get('message')}" for each in extra if isinstance(each, dict))
        status = HTTPStatus(error.status_code)
        next_step = "see /api/v1/openapi.json for what this address takes" if status < 500 else "try again later"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            next_step = "wait a minute, then go on; `premortem lint` on your own machine has no limit"
        # Where something is named, Litestar's own words repeat the whole address, and a description may stand in it.
        detail = f"this request cannot be used: {where}" if where else error.detail or status.phrase
        return problem_of(error.status_code, status.phrase.lower().replace(" ", "-"), detail, next_step)
    return problem_of(500, "internal-error", "something went wrong on our side", "try again; the server's log holds the details")


def problem_of(status: int, code: str, detail: str, next_step: str) -> ProblemDetailsException:
    """Return an error that only the API knows, to be raised or sent."""
    return ProblemDetailsException(
        status_code=status, type_=f"urn:premortem:{code}", title=HTTPStatus(status).phrase, detail=detail, extra={"next_step": next_step}
    )


def handle_error(request: Request, error: Exception) -> Response:  # type: ignore[type-arg]
    """Answer an error as JSON, or as a page where a browser asked for one."""
    problem = to_problem(error)
    if problem.status_code >= 500:
        # Never the request's body or query: descriptions are confidential.
        _log.error("%s %s failed", request.method, request.url.path, exc_info=None if isinstance(error, PremortemError) else error)
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    response = _page(request, error, problem) if wants_page else problem.to_response(request)
    if isinstance(error, OverloadedError):
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _page(request: Request, error: Exception, problem: ProblemDetailsException) -> Template:  # type: ignore[type-arg]
    """Return the page that tells a person what happened and where to go on; commands are for whoever runs the server."""
    near: list[Entry] = []
    if isinstance(error, NotFoundError):
        _, section, wanted, *_ = [*request.url.path.split("/"), "", ""]
        near = nearest_entries(request.app.state.library.searcher().store, section, wanted)
    assert isinstance(problem.extra, dict)
    context = {
        "status": problem.status_code,
        "code": (problem.type_ or "").rpartition(":")[2],
        "detail": problem.detail,
        "next_step": problem.extra["next_step"],
        "near": near,
        "most": MAX_CHARACTERS,
        "contributing": request.url.path.startswith("/contribute"),
    }
    return Template("error.html", context=context, status_code=problem.status_code, media_type=MediaType.HTML)
