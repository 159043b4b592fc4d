"""The contribution form: what a browser sends → a case and its Markdown. Everything is carried in the form; nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

from kb.case import INFERRED, TODO, Case, CaseMeta, Event, Item, Prose, Source, Strategy
from kb.errors import QueryError
from kb.parse import SLUG
from kb.render import render_case
from kb.taxonomy import Taxonomy
from kb.template import gaps_of_meta, main_categories, slug_of, with_gaps_marked

STEPS = ("The project", "Sources", "The plan", "What happened", "Signs and causes", "Lessons and prevention", "Check and send")
LAST = len(STEPS)
MAX_ROWS = 30
"""Most entries of one list."""
_MAX_FIELDS = 5000

_VALUES = {  # field → step
    **dict.fromkeys(("title", "organisation", "country", "years", "industry", "undertaking", "phase", "outcome"), 1),
    "plan": 3,
    "story": 4,
    "name": LAST,
    "status": LAST,
}
_CHOICES = {"systems": 1, "plan_sources": 3, "story_sources": 4}
"""Fields with several values → step."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of the form: its entries repeat."""

    step: int
    columns: tuple[str, ...]
    begins_with: int = 1
    """Entries that are there before anything was typed."""
    cites: bool = True
    """Whether an entry names its sources."""


LISTS = {
    "sources": Rows(2, ("title", "url", "publisher", "date", "kind"), cites=False),
    "likenesses": Rows(3, ("text",), 2, cites=False),
    "timeline": Rows(4, ("when", "text"), 0),
    "impact": Rows(4, ("lead", "text")),
    "symptoms": Rows(5, ("lead", "text", "tag"), 2),
    "factors": Rows(5, ("lead", "text", "tag"), 2),
    "lessons": Rows(6, ("lead", "text")),
    "prevention": Rows(6, ("strategy", "lead", "text"), 2),
    "disputed": Rows(6, ("text",), 0),
}
_SECTION_STEPS = {
    "Undertaking": 3,
    "Is this you?": 3,
    "What happened": 4,
    "Impact": 4,
    "Symptoms": 5,
    "What went wrong": 5,
    "Lessons": 6,
    "Prevention": 6,
    "Disputed": 6,
}
_FRONT_STEPS = {"categories": 5, "evidence": 2, "status": LAST}
_GAP_NAMES = {
    "title": "The title",
    "undertaking": "The kind of undertaking",
    "phase": "Where it broke",
    "outcome": "How it ended",
    "evidence": "The kind of a source",
    "categories": "The category of a factor",
    "Symptoms": "The phase of a sign",
    "What went wrong": "The category of a factor",
    "What happened": "A date of the timeline",
}
"""Front matter field or section → what a bare TODO there stands for."""
_GAP = re.compile(r"TODO(?::\s*(.*?)(?=\*\*|`|\[\^|\]\(|, TODO|$))?")
_ACTION = re.compile(r"(?:(?P<verb>step|add|remove):)(?P<what>[a-z]+|\d)(?::(?P<row>\d{1,2}))?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_BLOCK_START = re.compile(r"(?:#{1,6}(?=\s|$)|[-+*](?=\s|$)|>|`{3}|~{3}|<|\[|=+$|[-_*]{2,}|\d{1,9}(?P<dot>[.)])(?=\s|$))")


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list."""

    values: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    @property
    def is_empty(self) -> bool:
        return not any(self.values.values())


@dataclass(frozen=True, slots=True)
class Form:
    """All that was typed so far, and the step to show."""

    step: int = 1
    values: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    focus: str = ""
    """Name of the field that the next page puts the cursor into."""

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def source_ids(self) -> tuple[str, ...]:
        return tuple(f"s{number}" for number, row in enumerate(self.rows.get("sources", ()), 1) if not row.is_empty)

    def source_name(self, source_id: str) -> str:
        """Return what a source is called beside its number."""
        row = self.rows["sources"][int(source_id[1:]) - 1]
        return row["title"] or row["publisher"] or row["url"] or "untitled"

    def carried(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of every field that belongs to another step than the one shown."""
        for name, step in _VALUES.items():
            if step != self.step and self[name]:
                yield name, self[name]
        for name, step in _CHOICES.items():
            if step != self.step:
                yield from ((name, choice) for choice in self.choices.get(name, ()))
        for name, spec in LISTS.items():
            if spec.step != self.step:
                for number, row in enumerate(self.rows.get(name, ())):
                    yield from ((f"{name}.{number}.{column}", row[column]) for column in spec.columns)
                    yield from ((f"{name}.{number}.sources", source) for source in row.sources)


def empty_form() -> Form:
    return _with_first_rows(Form())


def read_form(body: bytes) -> Form:
    """Return what a browser sent, after doing what its button says: show a step, add or remove an entry.

    Not by the framework's own reading of forms, which keeps the last thousand bodies in memory.

    Raises:
        QueryError: it is no form, or a list is too long.
    """
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise QueryError("this is no form that a browser would send", next_step="open /contribute and use its buttons") from error
    values: dict[str, str] = {}
    choices: dict[str, list[str]] = {}
    lists: dict[str, dict[int, dict[str, list[str]]]] = {}
    action = step = ""
    for name, value in pairs:
        head, _, rest = name.partition(".")
        number, _, column = rest.partition(".")
        if name in _VALUES:
            values[name] = _clean(value)
        elif name in _CHOICES:
            choices.setdefault(name, []).append(_clean(value))
        elif head in LISTS and number.isdecimal() and len(number) <= 4 and column in (*LISTS[head].columns, "sources"):
            lists.setdefault(head, {}).setdefault(int(number), {}).setdefault(column, []).append(_clean(value))
        elif name == "action":
            action = value
        elif name == "step":
            step = value
    rows = {name: tuple(_row(columns) for _, columns in sorted(its.items())) for name, its in lists.items()}
    for name, its in rows.items():
        _at_most(name, len(its))
    shown = int(step) if step.isdecimal() and step.isascii() and 1 <= int(step) <= LAST else 1
    form = Form(shown, values, {name: tuple(dict.fromkeys(its)) for name, its in choices.items()}, rows)
    return _with_first_rows(_done(form, action))


def _clean(value: str) -> str:
    """Return text without control characters; line ends are kept, since they part paragraphs."""
    return _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))


def _row(columns: Mapping[str, Sequence[str]]) -> Row:
    values = {name: " ".join(its[-1].split()) for name, its in columns.items() if name != "sources"}
    return Row(values, tuple(dict.fromkeys(columns.get("sources", ()))))


def _at_most(name: str, count: int) -> None:
    if count > MAX_ROWS:
        raise QueryError(f"{count} entries under {name}", next_step=f"keep the {MAX_ROWS} that matter most; go back to where you were")


def _done(form: Form, action: str) -> Form:
    match = _ACTION.fullmatch(action)
    if not match:
        return form
    verb, what, row = match["verb"], match["what"], match["row"]
    if verb == "step" and what.isdecimal() and 1 <= int(what) <= LAST:
        return replace(form, step=int(what))
    if what not in LISTS:
        return form
    its = form.rows.get(what, ())
    if verb == "add":
        _at_most(what, len(its) + 1)
        focus = f"{what}.{len(its)}.{LISTS[what].columns[0]}"
        return replace(form, rows={**form.rows, what: (*its, Row(sources=_only_source(form)))}, focus=focus)
    if verb == "remove" and row and int(row) < len(its):
        without = replace(form, rows={**form.rows, what: its[: int(row)] + its[int(row) + 1 :]}, focus=f"add:{what}")
        return _renumbered(without, int(row) + 1) if what == "sources" else without
    return form


def _only_source(form: Form) -> tuple[str, ...]:
    return form.source_ids if len(form.source_ids) == 1 else ()


def _renumbered(form: Form, removed: int) -> Form:
    """Return the form with its citations as they must be once a source is gone: those of later ones move up."""

    def moved(source: str) -> str:
        number = int(source[1:]) if re.fullmatch(r"s\d{1,4}", source) else 0
        return "" if number == removed else f"s{number - 1}" if number > removed else source

    def cited(sources: Sequence[str]) -> tuple[str, ...]:
        return tuple(filter(None, map(moved, sources)))

    def in_text(text: str) -> str:
        return re.sub(r"\[\^(s\d{1,4})\]", lambda match: f"[^{new}]" if (new := moved(match[1])) else "", text)

    return replace(
        form,
        values={name: in_text(value) for name, value in form.values.items()},
        choices={name: cited(its) if name.endswith("_sources") else its for name, its in form.choices.items()},
        rows={
            name: its
            if name == "sources"
            else tuple(Row({column: in_text(value) for column, value in row.values.items()}, cited(row.sources)) for row in its)
            for name, its in form.rows.items()
        },
    )


def _with_first_rows(form: Form) -> Form:
    """Return the form with the entries that every list of the step shown begins with, citing the source if there is but one."""
    rows, choices = dict(form.rows), dict(form.choices)
    for text in ("plan", "story"):
        if _VALUES[text] == form.step and not form[text]:
            choices.setdefault(f"{text}_sources", _only_source(form))
    for name, spec in LISTS.items():
        if spec.step == form.step and name not in rows and spec.begins_with:
            rows[name] = (Row(sources=_only_source(form) if spec.cites and name != "prevention" else ()),) * spec.begins_with
    return replace(form, rows=rows, choices=choices)


def file_name(form: Form) -> str:
    """Return the id of the case: as typed, else made of organisation or title and years."""
    # Without folders: in one called `strategies`, the file would be read as a strategy.
    typed = form["name"].replace("\\", "/").rpartition("/")[2].strip().removesuffix(".md")
    return typed or slug_of(form["organisation"].strip() or form["title"], form["years"]) or "new-case"


def safe_file_name(form: Form) -> str:
    """Return a name that a file may have anywhere."""
    name = file_name(form)
    return name if SLUG.fullmatch(name) else slug_of(name) or "new-case"


def markdown_of(form: Form, taxonomy: Taxonomy, strategies: Mapping[str, Strategy]) -> str:
    """Return the canonical file of what was typed, gaps marked."""
    return render_case(case_of(form, taxonomy, strategies))


def case_of(form: Form, taxonomy: Taxonomy, strategies: Mapping[str, Strategy]) -> Case:
    """Return what was typed as a case, gaps marked."""
    sources = _sources(form)
    case = Case(
        id=file_name(form),
        meta=_meta(form, sources, taxonomy),
        undertaking=_prose(form["plan"], form.choices.get("plan_sources", ())),
        likenesses=tuple(Item(text=_literal(row["text"])) for row in _filled(form, "likenesses")),
        story=_prose(form["story"], form.choices.get("story_sources", ())),
        timeline=tuple(
            Event(when=row["when"] or TODO, text=row["text"] or "TODO: what happened.", sources=row.sources)
            for row in _filled(form, "timeline")
        ),
        impact=_items(form, "impact"),
        symptoms=_items(form, "symptoms"),
        factors=_factors(form),
        lessons=_items(form, "lessons"),
        prevention=tuple(_prevention(row, strategies) for row in _filled(form, "prevention")),
        disputed=tuple(Item(text=_literal(row["text"]), sources=row.sources) for row in _filled(form, "disputed")),
        sources=sources,
    )
    return with_gaps_marked(case)


def _meta(form: Form, sources: Sequence[Source], taxonomy: Taxonomy) -> CaseMeta:
    kinds = sorted({source.kind for source in sources if source.kind}, key=lambda kind: taxonomy.order("evidence", kind))
    tagged = Case(id="", meta=gaps_of_meta(CaseMeta), undertaking=(), factors=_items(form, "factors"))
    line = {name: " ".join(form[name].split()) for name in _VALUES}
    return gaps_of_meta(
        CaseMeta,
        **{name: line[name] for name in ("title", "organisation", "country", "years", "industry", "undertaking", "phase", "outcome")},
        categories=main_categories(tagged),
        systems=tuple(sorted(filter(None, form.choices.get("systems", ())), key=lambda system: taxonomy.order("system", system))),
        evidence=kinds[0] if kinds else "",
        status="published" if form["status"] == "published" else "draft",
    )


def _filled(form: Form, name: str) -> list[Row]:
    return [row for row in form.rows.get(name, ()) if not row.is_empty]


def _sources(form: Form) -> tuple[Source, ...]:
    return tuple(
        Source(id=f"s{number}", title=row["title"], url=row["url"], publisher=row["publisher"], date=row["date"], kind=row["kind"])
        for number, row in enumerate(form.rows.get("sources", ()), 1)
        if not row.is_empty
    )


def _items(form: Form, name: str) -> tuple[Item, ...]:
    return tuple(
        Item(lead=row["lead"].replace("**", ""), text=row["text"], tag=row["tag"].replace("`", "") or None, sources=row.sources)
        for row in _filled(form, name)
    )


def _factors(form: Form) -> tuple[Item, ...]:
    """Return the contributing factors; what succeeded has none, and names by categories alone what was at stake."""
    items = _items(form, "factors")
    return tuple(item for item in items if item.lead or item.text) if form["outcome"] == "succeeded" else items


def _prevention(row: Row, strategies: Mapping[str, Strategy]) -> Item:
    lead = row["lead"].replace("**", "")
    strategy = strategies.get(row["strategy"])
    if strategy is None:
        return Item(lead=lead, text=row["text"], sources=row.sources or (INFERRED,))
    named = re.sub(r"[\[\]]", "", lead or strategy.meta.title)
    return Item(lead=named, text=row["text"], strategy=strategy.id, sources=row.sources or (INFERRED,))


def _prose(text: str, sources: Sequence[str]) -> tuple[Prose, ...]:
    """Return the paragraphs of a text, parted by empty lines; one that cites nothing cites the sources of the whole."""
    refs = "".join(f"[^{source}]" for source in sources)
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n[ \t]*\n", text))
    return tuple(Prose(_literal(each) + ("" if "[^" in each else refs)) for each in paragraphs if each)


def _literal(text: str) -> str:
    r"""Return a text that begins no Markdown block of its own: `- a` becomes `\- a`, `1. a` becomes `1\. a`."""
    match = _BLOCK_START.match(text)
    if not match or re.match(r"\[\^[^\]]+\](?!:)|(\*\*?|_)\w", text):
        return text
    at = match.start("dot") if match["dot"] else 0
    return f"{text[:at]}\\{text[at:]}"


def step_of(text: str, line: int) -> int:
    """Return the step in which the author mends a line of the file."""
    lines = text.split("\n")[:line]
    if lines and lines[-1].startswith("[^"):
        return 2
    section = next((each[3:] for each in reversed(lines) if each.startswith("## ")), None)
    if section is not None:
        return _SECTION_STEPS.get(section, LAST)
    name = lines[-1].partition(":")[0] if lines else ""
    return LAST if name == "---" else _FRONT_STEPS.get(name, 1)


def gap_words(text: str, line: int, column: int) -> str:
    """Return what is still to be written at a place of the file, as one would name it in the form."""
    lines = text.split("\n")
    found = lines[line - 1]
    asked = _GAP.match(found, column - 1)
    if asked and (words := (asked[1] or "").rstrip(" .")):
        return f"{words[0].upper()}{words[1:]}"
    section = next((each[3:] for each in reversed(lines[:line]) if each.startswith("## ")), "")
    if found.startswith("[^"):
        return "The kind of a source"
    if not section:
        name = found.partition(":")[0]
        return _GAP_NAMES.get(name, name.capitalize())
    return _GAP_NAMES.get(section, section)


def in_form_words(told: str) -> str:
    """Return what lint says of a file in the words of the form: `[^s2]` is source 2 there."""
    return re.sub(r"\[\^s(\d{1,4})\]", r"source \1", told).replace(f"[^{INFERRED}]", "“my own advice”")
