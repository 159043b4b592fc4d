"""What editors need to complete and check front matter: `python -m kb.schema` writes it beside the taxonomy whose terms it lists.

python -m kb.schema                    the shipped cases
python -m kb.schema ~/our-postmortems  another corpus, with its own terms
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from kb.case import FRONT_MATTER, CaseMeta, StrategyMeta
from kb.corpus import TAXONOMY, shipped
from kb.lint.structure import CASE_FACETS, STRATEGY_FACETS
from kb.parse import SLUG
from kb.taxonomy import Taxonomy, read_taxonomy

_TOLD = {
    "title": "What was attempted and how it failed, in one line; no other file has it.",
    "organisation": "Whose project it was; null where the source names nobody.",
    "industry": "Trade of the organisation.",
    "country": "Plain English name; International for a world-wide online service; null if unknown.",
    "years": "One year or a span, such as 2011 or 2011-2018; null if unknown.",
    "undertaking": "Kind of project.",
    "categories": "Categories of the contributing factors, the main one first; one to four.",
    "outcome": "How it ended.",
    "systems": "Kinds of systems concerned; may be empty.",
    "evidence": "The best kind of source that the case cites.",
    "status": "A draft may have gaps, marked TODO; superseded needs superseded_by.",
    "superseded_by": "Id of the case that replaces this one.",
    "x_import": "Where an imported draft comes from, and what of it has no place in a case.",
    "roles": "Who acts.",
    "effort": "How long it takes.",
    "addresses": "Categories of contributing factors that the strategy works against.",
    "tools": "Named products; naming is not endorsement.",
    "sources": "Where the advice was first found: title and publisher.",
}
SNIPPETS = "premortem.code-snippets"
_PHASE = {CaseMeta: "Where it broke.", StrategyMeta: "When to act."}
_FILES: dict[str, tuple[type[CaseMeta] | type[StrategyMeta], dict[str, str]]] = {
    "case.schema.json": (CaseMeta, CASE_FACETS),
    "strategy.schema.json": (StrategyMeta, STRATEGY_FACETS),
}


def schemas(taxonomy: Taxonomy) -> dict[str, str]:
    """Return file name → JSON Schema (draft 2020-12) of the front matter of cases and of strategies."""
    return {name: _encoded(_schema(struct, facets, taxonomy)) for name, (struct, facets) in _FILES.items()}


def _encoded(schema: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def _schema(struct: type[CaseMeta] | type[StrategyMeta], facets: dict[str, str], taxonomy: Taxonomy) -> dict[str, Any]:
    [[_, generated]] = msgspec.json.schema_components([struct])[1].items()
    properties = {}
    for name, form in generated["properties"].items():
        told = _TOLD.get(name) or _PHASE[struct]
        if name in facets:
            form = _with_terms(form, taxonomy, facets[name])
        elif name == "years":
            form = {
                "anyOf": [
                    {"type": "integer", "minimum": 1, "maximum": 9999},
                    {"type": "string", "pattern": r"^\d{4}(-\d{4})?$"},
                    {"type": "null"},
                ]
            }
        elif name == "superseded_by":
            form = {"anyOf": [{"type": "string", "pattern": f"^{SLUG.pattern}$"}, {"type": "null"}]}
        properties[name] = {"description": told, **form}
    for name in ("categories", "roles", "addresses"):
        if name in properties:
            properties[name]["minItems"] = 1
    kind = "case study" if struct is CaseMeta else "strategy"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Front matter of a {kind}",
        "type": "object",
        "properties": properties,
        "required": [item.name for item in FRONT_MATTER[struct].values() if item.required],
        "additionalProperties": False,
    }


def _with_terms(form: dict[str, Any], taxonomy: Taxonomy, vocabulary: str) -> dict[str, Any]:
    """Return the form of a field that takes terms; `enumDescriptions` is what editors show beside each while one types."""
    terms = taxonomy.terms(vocabulary)
    choice = {"enum": [term.id for term in terms], "enumDescriptions": [term.definition for term in terms]}
    if form.get("type") == "array":
        return {**{key: value for key, value in form.items() if key != "items"}, "items": {"type": "string", **choice}, "uniqueItems": True}
    return {"type": "string", **choice}


def snippets(taxonomy: Taxonomy) -> str:
    """Return snippets of VS Code for Markdown: the front matter and every kind of item, with the terms to choose from."""
    front = ["---", "title: $1", "organisation: ${2:null}"]
    at = 3
    for name, vocabulary in CASE_FACETS.items():
        choice = _choice(at, taxonomy.ids(vocabulary))
        front += [f"country: ${{{at + 1}:null}}", f"years: ${{{at + 2}:null}}"] if name == "undertaking" else []
        at += 3 if name == "undertaking" else 1
        front.append(f"{name}: [{choice}]" if name in {"categories", "systems"} else f"{name}: {choice}")
    phase, category, kind = (_choice(3, taxonomy.ids(vocabulary)) for vocabulary in ("phase", "category", "evidence"))
    bodies = {
        "case-facets": ("Front matter of a case study", [*front, "---", "", "$0"]),
        "case-symptom": ("Symptom: what could be seen, and when", [f"- **$1.** $2 `{phase}` [^${{4:s1}}]"]),
        "case-factor": ("Contributing factor, with its category", [f"- **$1.** $2 `{category}` [^${{4:s1}}]"]),
        "case-item": ("Impact or lesson", ["- **$1.** $2 [^${3:s1}]"]),
        "case-prevention": ("Prevention that points at a strategy", ["- [$1](../strategies/$2.md): $3 [^${4:inferred}]"]),
        "case-event": ("Entry of the timeline", ["- ${1:2018-07-09}: $2 [^${3:s1}]"]),
        "case-source": ("Source", [f"[^s$1]: [$2]($4), $5, ${{6:2018-07-09}}. {kind}"]),
    }
    whole = {name: {"prefix": name, "scope": "markdown", "description": told, "body": body} for name, (told, body) in bodies.items()}
    return _encoded(whole)


def _choice(at: int, words: list[str]) -> str:
    return f"${{{at}|{','.join(words)}|}}"


def write(folder: Path) -> None:
    """Write the schemas into the folder of a corpus, with the shipped terms and its own, and snippets into a `.vscode` beside it."""
    taxonomy = read_taxonomy(shipped("cases") / TAXONOMY)
    if (folder / TAXONOMY).is_file():
        taxonomy = taxonomy.extended(read_taxonomy(folder / TAXONOMY))
    for name, text in schemas(taxonomy).items():
        (folder / name).write_text(text, "utf-8")
    editor = folder.absolute().parent / ".vscode"
    if editor.is_dir():
        (editor / SNIPPETS).write_text(snippets(taxonomy), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else shipped("cases"))
