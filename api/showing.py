"""What every page is given."""

from __future__ import annotations

from litestar.response import Template
from litestar.status_codes import HTTP_200_OK

from indexer.searcher import Searcher


def page(name: str, searcher: Searcher, *, status_code: int = HTTP_200_OK, **context: object) -> Template:
    """Return a page from its template; `taxonomy`, `manifest`, `drafts` and `several` (corpora) are always at hand there."""
    shared = {
        "taxonomy": searcher.store.taxonomy,
        "manifest": searcher.manifest,
        "drafts": searcher.store.drafts,
        "several": len(searcher.manifest.corpora) > 1,
    }
    return Template(name, context={**shared, **context}, status_code=status_code)
