"""What the files of a corpus know of each other: ids, titles, sources."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from kb.corpus import CaseFile, Corpora
from kb.taxonomy import Taxonomy

_VARIABLE = re.compile(r"^https?://(?:www\.)?|#.*$|/$")


@dataclass(frozen=True, slots=True)
class Known:
    """Facts about all files that are known, those under lint among them."""

    taxonomy: Taxonomy
    cases: dict[str, str] = field(default_factory=dict)
    """Id → path of the first file that has it; likewise below."""
    strategies: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    """Address of a source, without what may vary."""


def known(taxonomy: Taxonomy, files: Iterable[CaseFile]) -> Known:
    """Gather the facts about some files."""
    facts = Known(taxonomy)
    for file in files:
        path = str(file.path)
        if file.case:
            facts.cases.setdefault(file.case.id, path)
            # A case that was replaced rests on the sources of the one that replaced it.
            for source in file.case.sources if file.case.is_searchable else ():
                if source.url:
                    facts.addresses.setdefault(address(source.url), path)
        elif file.strategy:
            facts.strategies.setdefault(file.strategy.id, path)
        if read := file.case or file.strategy:
            facts.titles.setdefault(folded(read.meta.title), path)
    return facts


def known_of(corpora: Corpora) -> Known:
    return known(corpora.taxonomy, corpora.files)


def address(url: str) -> str:
    """Return an address as it is compared: without scheme, `www.`, fragment and final slash; the query tells pages apart."""
    return _VARIABLE.sub("", url)


def folded(title: str) -> str:
    return " ".join(title.casefold().split())
