"""What every page is given."""

from __future__ import annotations

from litestar.response import Template
from litestar.status_codes import HTTP_200_OK

from indexer.searcher import Searcher


def told_of(status: str, corpus: str, searcher: Searcher) -> tuple[str, ...]:
    """Return in words what `badges.html` shows beside a title: the status unless published and, of several, the corpus."""
    marks = () if status == "published" else (searcher.store.taxonomy.name("status", status).lower(),)
    return (*marks, f"corpus {corpus}") if len(searcher.manifest.corpora) > 1 else marks


def page(name: str, searcher: Searcher, *, status_code: int = HTTP_200_OK, **context: object) -> Template:
    """Return a page from its template; `taxonomy`, `manifest`, `drafts` and `several` (corpora) are always at hand there."""
    shared = {
        "taxonomy": searcher.store.taxonomy,
        "manifest": searcher.manifest,
        "drafts": searcher.store.drafts,
        "several": len(searcher.manifest.corpora) > 1,
    }
    return Template(name, context={**shared, **context}, status_code=status_code)
