"""What a case is: the model, Markdown in and out, the taxonomy, lint and the store. Imports nothing else of ours."""

from kb.case import Case, CaseMeta, Item, Source, Strategy, StrategyMeta
from kb.corpus import Corpora, read_corpora, shipped
from kb.errors import PremortemError, Problem
from kb.lint import lint
from kb.parse import parse_case, parse_strategy, read_case, read_strategy
from kb.render import render_case, render_strategy
from kb.taxonomy import Taxonomy, Term, read_taxonomy

__all__ = [
    "Case",
    "CaseMeta",
    "Corpora",
    "Item",
    "PremortemError",
    "Problem",
    "Source",
    "Strategy",
    "StrategyMeta",
    "Taxonomy",
    "Term",
    "lint",
    "parse_case",
    "parse_strategy",
    "read_case",
    "read_corpora",
    "read_strategy",
    "read_taxonomy",
    "render_case",
    "render_strategy",
    "shipped",
]
