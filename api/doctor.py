"""`premortem doctor`: what is wrong with model, index and cases, and what to do; what the cases cover."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.findings import severities
from api.settings import Settings
from indexer.build import is_stale
from indexer.encoder import find_model
from indexer.generation import current_generation, damaged_files
from indexer.neighbours import NEAR_DUPLICATE
from indexer.searcher import open_searcher
from kb.corpus import Corpora, read_corpora
from kb.errors import PremortemError
from kb.lint import lint

_FEW = 3
"""Terms with fewer cases than this are named as gaps."""


def examine(settings: Settings) -> bool:
    """Print one line a check; return whether all is well."""
    console = Console(highlight=False, markup=False, width=120)
    checks = (_check_cases, _check_model, _check_index, _check_search)
    well = True
    for check in checks:
        try:
            good, message, next_step = check(settings)
        except PremortemError as error:
            good, message, next_step = False, str(error), error.next_step
        mark = ("✓", "green") if good else ("✗", "red")
        console.print(Text.assemble(mark, f" {message}" if good else f" {message}\n  → {next_step}"))
        well = well and good
    return well


def _check_cases(settings: Settings) -> tuple[bool, str, str]:
    corpora = read_corpora(settings.cases, lenient=settings.lenient)
    counts = severities(lint(corpora))
    counted = f"{len(corpora.cases)} cases, {len(corpora.strategies)} strategies"
    told = f"{counted}, {counts['error']} errors, {counts['warning']} warnings"
    if counts["warning"] and not counts["error"]:
        told += " (`premortem lint` tells them)"
    return not counts["error"], told, "run `premortem lint`"


def _check_model(settings: Settings) -> tuple[bool, str, str]:
    model = find_model(settings.model)
    return True, f"model {model.name}, sha256 {model.sha256[:12]}… in {model.folder}", ""


def _check_index(settings: Settings) -> tuple[bool, str, str]:
    folder, manifest = current_generation(settings.index)
    damaged = damaged_files(folder, manifest)
    if damaged:
        return False, f"index files fail their checksum: {', '.join(damaged)}", "run `premortem index --rebuild`"
    if is_stale(manifest, settings.cases):
        return False, f"the index in {settings.index} is older than the cases or than this release", "run `premortem index`"
    counts = ", ".join(f"{count} {name}" for name, count in manifest.counts.items())
    return True, f"index {manifest.generation} of {manifest.built_at}: {counts}; every checksum fits", ""


def _check_search(settings: Settings) -> tuple[bool, str, str]:
    searcher = open_searcher(settings.index, model=settings.model, backend=settings.encoder)
    if not len(searcher.searchable):
        return False, "every case is withdrawn or superseded, so none can be found", "add a case, then run `premortem index`"
    stored = searcher.store.cases([int(searcher.searchable[0])])[0]
    answer = searcher.search(" ".join([stored.case.meta.title, *(paragraph.text for paragraph in stored.case.undertaking)]), limit=3)
    found = [case.id for case in answer.cases]
    good = stored.case.id in found
    return good, f"a case {'finds' if good else 'does not find'} itself", "run `premortem index --rebuild`"


def print_knowledge(settings: Settings) -> None:
    """Print how many cases stand behind each term, and the gaps."""
    corpora = read_corpora(settings.cases, lenient=settings.lenient)
    console = Console(highlight=False, markup=False, width=120)
    console.print(f"{len(corpora.cases)} cases, {len(corpora.strategies)} strategies")
    for name, counts in knowledge(corpora).items():
        table = Table(title=name, title_justify="left", title_style="bold", box=None, show_header=False, padding=(0, 2, 0, 0))
        for term, count in counts.most_common():
            table.add_row(term, str(count))
        console.print(table)
    for gap in gaps(corpora):
        console.print(f"gap: {gap}")
    try:
        nearest = open_searcher(settings.index, model=settings.model, backend=settings.encoder).nearest_pairs()
    except PremortemError as error:
        console.print(f"near-duplicates are not listed: {error}; {error.next_step}")
        return
    for name, pairs in nearest.items():
        for cosine, one, other in pairs:
            mark = "near-duplicate" if cosine >= NEAR_DUPLICATE else "most alike"
            console.print(f"{mark} {name}: {one} and {other} (cosine {cosine:.2f})")


def knowledge(corpora: Corpora) -> dict[str, Counter[str]]:
    """Return dimension → term → number of cases."""
    counts: dict[str, Counter[str]] = {
        name: Counter()
        for name in (
            "main category",
            "category",
            "industry",
            "undertaking",
            "phase",
            "outcome",
            "evidence",
            "decade",
            "strategy",
            "kind of source",
        )
    }
    for file in corpora.cases.values():
        assert file.case is not None
        meta = file.case.meta
        counts["main category"][meta.categories[0]] += 1
        counts["category"].update(set(meta.categories))
        for name in ("industry", "undertaking", "phase", "outcome", "evidence"):
            counts[name][getattr(meta, name)] += 1
        span = file.case.years_span()
        counts["decade"][f"{span[1] // 10 * 10}s" if span else "unknown"] += 1
        counts["strategy"].update({item.strategy for item in file.case.prevention if item.strategy})
        counts["kind of source"].update(source.kind for source in file.case.sources if source.kind)
    return counts


def gaps(corpora: Corpora) -> list[str]:
    """Return what is thin: terms and strategies with few cases, cases without a strategy."""
    counts = knowledge(corpora)
    found = []
    for vocabulary in ("category", "industry", "undertaking", "outcome"):
        thin = [term for term in corpora.taxonomy.ids(vocabulary) if counts[vocabulary][term] < _FEW]
        if thin:
            found.append(f"fewer than {_FEW} cases of {vocabulary}: {', '.join(thin)}")
    orphans = [strategy for strategy in corpora.strategies if counts["strategy"][strategy] < 2]
    if orphans:
        found.append(f"strategies with fewer than 2 cases: {', '.join(orphans)}")
    unlinked = [case_id for case_id, file in corpora.cases.items() if file.case and not any(item.strategy for item in file.case.prevention)]
    if unlinked:
        found.append(f"cases without a strategy: {', '.join(unlinked)}")
    return found
