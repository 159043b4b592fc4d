"""What the map shows of one index generation: marks, labels of regions, and how often each kind of cause broke each phase."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from api.families import Family, families, family_index
from api.showing import told_of
from indexer.answer import FoundCase
from indexer.arrays import FloatArray
from indexer.searcher import Searcher
from kb.store import Store
from kb.taxonomy import Term

MANY = 400
"""Of more cases than this, a mark stands for all cases in one field of a grid."""
_GRID = (36, 24)
"""Fields across and down."""
_SAMPLE = 2_000
"""Cases that regions are found among."""
_LEAST_SHARE = 0.5
"""Least share of the cases around a label that it must be true of."""
_MARGIN = 3.0
"""Per cent of the picture kept free at its edges."""
_CHARACTER, _LINE, _MARK = 7.4, 17.0, 13.0
"""Width of a character of a label, height of its line, width of a mark; CSS pixels."""
_EDGE = 8.0
"""Pixels between a label and the edge of the picture, since some fonts are wider."""
_LINE_CHARACTERS = 18
_REACH = 62.0
"""A label stands at most so far from the middle of its cases, in pixels; where it cannot, it is left out."""
_MOST_COVERED = 1
"""Marks that a label may lie over."""
_UNKNOWN = "Not known"
"""What stands for the cause or phase of a draft that does not name it yet."""
_NAMING = ("system", "undertaking", "industry", "category")
"""Facets whose values can name a region."""


class Frame(NamedTuple):
    """A size at which the map is drawn; marks and texts keep their size, so labels are set for each."""

    name: str
    width: float
    height: float
    labels: int


FRAMES = (Frame("wide", 890, 570, 14), Frame("middle", 588, 588, 10), Frame("narrow", 300, 515, 7))
"""The smallest at which each set of labels is shown (see map.css): in a larger one, labels only move apart."""


class Mark(NamedTuple):
    address: str
    title: str
    x: float
    """Per cent of the width."""
    y: float
    family: int
    size: int = 0
    """0 for one case; 1 to 3 for a field with few to many."""


class Label(NamedTuple):
    address: str
    lines: tuple[str, ...]
    x: float
    y: float


class Row(NamedTuple):
    """A case in the table that says the same as the map."""

    id: str
    title: str
    status: str
    corpus: str
    category: str
    phase: str
    family: int


class Landscape(NamedTuple):
    families: tuple[Family, ...]
    marks: list[Mark]
    labels: dict[str, list[Label]]
    """Name of the frame → labels that do not touch each other in it."""
    rows: list[Row]
    """Empty when a mark stands for many cases."""
    heat: dict[str, Counter[str]]
    """Category → phase → number of cases."""
    phases: list[Term]
    """Those at which some case broke."""
    n_cases: int


class Line(NamedTuple):
    """From the user's project to a case it matches."""

    number: int
    case: FoundCase
    x: float
    y: float


class Placed(NamedTuple):
    """The user's project on the map."""

    x: float
    y: float
    lines: list[Line]

    def covers(self, label: Label, frame: str) -> bool:
        """Return whether the name of the project would lie over a label."""
        width, height = next((each.width, each.height) for each in FRAMES if each.name == frame)
        return abs(label.x - self.x) * width < 190 * 100 and abs(label.y - self.y) * height < 32 * 100


_known: WeakKeyDictionary[Searcher, Landscape] = WeakKeyDictionary()


def landscape(searcher: Searcher) -> Landscape:
    """Return the map of a generation; made once for each."""
    if searcher not in _known:
        _known[searcher] = _landscape(searcher)
    return _known[searcher]


def place(searcher: Searcher, found: Sequence[FoundCase]) -> Placed | None:
    """Return where a project stands among the cases it matches: at their middle, the likelier ones weighing more; None without any."""
    matches = [case for case in found if case.band != "weak"] or list(found)
    if not matches:
        return None
    ids = {case_id: row for row, case_id in enumerate(searcher.store.case_ids)}
    places = searcher.places[[ids[case.id] for case in matches]]
    weights = np.array([case.probability for case in matches]) ** 2 + 1e-9
    middle = (places * weights[:, None]).sum(axis=0) / weights.sum()
    x, y = _percent(_beside(middle, searcher.places))
    lines = [Line(number, case, *_percent(at)) for number, (case, at) in enumerate(zip(matches, places, strict=True), 1)]
    return Placed(x, y, lines)


def _beside(middle: FloatArray, places: FloatArray) -> FloatArray:
    """Return the nearest spot to `middle` that covers no case, looking in ever wider rings; `middle` itself in a crowd without one."""
    room = 0.5 / math.sqrt(max(len(places), 1))
    for ring in range(12):
        angles = np.arange(max(1, 8 * ring)) * (2 * math.pi / max(1, 8 * ring))
        spots = middle + ring * room / 3 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        clear = np.linalg.norm(spots[:, None] - places, axis=2).min(axis=1)
        inside = ((spots >= 0) & (spots <= 1)).all(axis=1)
        good = np.flatnonzero((clear >= room * 0.8) & inside)
        if len(good):
            return np.asarray(spots[good[clear[good].argmax()]])
    return middle


def _percent(place: FloatArray) -> tuple[float, float]:
    x, y = _MARGIN + place * (100 - 2 * _MARGIN)
    return round(float(x), 1), round(float(y), 1)


def _landscape(searcher: Searcher) -> Landscape:
    store, places = searcher.store, searcher.places
    titles = store.titles()
    causes = defaultdict(list)
    for row, category in store.facet_values("category"):
        causes[row].append(category)
    phases = dict(store.facet_values("phase"))
    main = [next(iter(causes.get(row, ())), "") for row in range(len(titles))]
    heat: dict[str, Counter[str]] = defaultdict(Counter)
    for row, its in causes.items():
        for category in its:
            if row in phases:  # a draft may name its causes before its phase
                heat[category][phases[row]] += 1
    single = len(titles) <= MANY
    return Landscape(
        families=families(store.taxonomy),
        marks=_cases(searcher, titles, main) if single else _fields(store, main, places),
        labels=_labels(store, places),
        rows=_rows(store, titles, main, phases) if single else [],
        heat=heat,
        phases=[term for term in store.taxonomy.terms("phase") if term.id in phases.values()],
        n_cases=len(titles),
    )


def _cases(searcher: Searcher, titles: list[tuple[str, str]], main: list[str]) -> list[Mark]:
    store = searcher.store
    name = {"": "cause not known", **{term.id: term.name for term in store.taxonomy.terms("category")}}
    status, corpus = dict(store.facet_values("status")), dict(store.facet_values("corpus"))
    marks = []
    for row, ((case_id, title), category, at) in enumerate(zip(titles, main, searcher.places, strict=True)):
        told = (name.get(category, category).lower(), *told_of(status[row], corpus[row], searcher))
        marks.append(Mark(f"/cases/{case_id}", f"{title} ({', '.join(told)})", *_percent(at), family_index(category)))
    # Row by row from the top, so that the keyboard goes through the picture in an order that can be followed.
    return sorted(marks, key=lambda mark: (mark.y // 10, mark.x))


def _fields(store: Store, main: list[str], places: FloatArray) -> list[Mark]:
    """Return a mark for each field of a grid that holds cases, of the family that most of them have."""
    across, down = _GRID
    columns = np.minimum((places[:, 0] * across).astype(int), across - 1)
    lines = np.minimum((places[:, 1] * down).astype(int), down - 1)
    fields: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for line, column, category in zip(lines.tolist(), columns.tolist(), main, strict=True):
        fields[line, column][category] += 1
    most = max(count.total() for count in fields.values())
    marks = []
    for (line, column), counts in sorted(fields.items()):
        category = min(filter(None, counts), key=lambda category: (-counts[category], category), default="")
        total = counts.total()
        cause = f"most often {store.taxonomy.name('category', category).lower()}" if category else "cause not known"
        title = f"{total:,} {'case' if total == 1 else 'cases'}, {cause}"
        x, y = _percent(np.array([(column + 0.5) / across, (line + 0.5) / down]))
        size = 1 + (total > most / 9) + (total > most / 2)
        marks.append(Mark(f"/cases?category={category}" if category else "/cases", title, x, y, family_index(category), size))
    return marks


def _rows(store: Store, titles: list[tuple[str, str]], main: list[str], phases: dict[int, str]) -> list[Row]:
    status, corpus = dict(store.facet_values("status")), dict(store.facet_values("corpus"))
    rows = [
        Row(
            case_id,
            title,
            status[row],
            corpus[row],
            _name(store, "category", main[row]),
            _name(store, "phase", phases.get(row, "")),
            family_index(main[row]),
        )
        for row, (case_id, title) in enumerate(titles)
    ]
    return sorted(rows, key=lambda row: (row.family, row.category, row.title.casefold()))


def _name(store: Store, vocabulary: str, term_id: str) -> str:
    return store.taxonomy.name(vocabulary, term_id) if term_id else _UNKNOWN


class _Region(NamedTuple):
    """Cases that stand together and have a facet's value in common."""

    score: float
    facet: str
    value: str
    members: FloatArray
    """Places of the cases in it, shape (m, 2)."""
    rows: frozenset[int]


def _labels(store: Store, places: FloatArray) -> dict[str, list[Label]]:
    regions = _regions(store, places)
    return {frame.name: _set_labels(store, regions, places, frame) for frame in FRAMES}


def _regions(store: Store, places: FloatArray) -> list[_Region]:
    """Return for every value that names one the spot where it is commonest compared with everywhere; the clearest first."""
    shown = np.arange(0, len(places), -(-len(places) // _SAMPLE) if len(places) else 1)
    if len(shown) < 12:
        return []
    around = max(5, len(shown) // 14)
    apart = np.linalg.norm(places[shown][:, None] - places[shown], axis=2)
    nearest = np.argpartition(apart, around, axis=1)[:, :around]
    position = {int(row): at for at, row in enumerate(shown)}
    regions = []
    for facet in _NAMING:
        holders: dict[str, list[int]] = defaultdict(list)
        for row, value in store.facet_values(facet):
            if row in position:
                holders[value].append(position[row])
        for value, its in holders.items():
            has = np.zeros(len(shown), bool)
            has[its] = True
            hits = has[nearest].sum(axis=1) * has
            best = int(hits.argmax())
            share = hits[best] / around
            if share < _LEAST_SHARE:
                continue
            score = float(hits[best] * math.log(share / has.mean()))
            inside = nearest[best][has[nearest[best]]]
            regions.append(_Region(score, facet, value, places[shown[inside]], frozenset(inside.tolist())))
    return sorted(regions, key=lambda region: (-region.score, region.facet, region.value))


def _set_labels(store: Store, regions: list[_Region], places: FloatArray, frame: Frame) -> list[Label]:
    """Return labels for the clearest regions: each of other cases than the ones before, none on another, on as few marks as can be."""
    size = np.array([frame.width, frame.height])
    marks = (_MARGIN / 100 + places[:MANY] * (1 - 2 * _MARGIN / 100)) * size
    boxes: list[FloatArray] = []
    named: list[frozenset[int]] = []
    labels: list[Label] = []
    for region in regions:
        if len(labels) == frame.labels:
            break
        if any(len(region.rows & rows) > len(region.rows) / 3 for rows in named):
            continue
        lines = _wrapped(store.taxonomy.name(region.facet, region.value))
        half = np.array([max(map(len, lines)) * _CHARACTER / 2 + 3, len(lines) * _LINE / 2 + 2])
        at = _spot((_MARGIN / 100 + region.members * (1 - 2 * _MARGIN / 100)) * size, half, marks, boxes, size)
        if at is None:
            continue
        boxes.append(np.concatenate([at - half, at + half]))
        named.append(region.rows)
        x, y = (at / size * 100).round(1).tolist()
        labels.append(Label(f"/cases?{region.facet}={region.value}", lines, x, y))
    return labels


def _spot(members: FloatArray, half: FloatArray, marks: FloatArray, boxes: list[FloatArray], size: FloatArray) -> FloatArray | None:
    """Return the middle of a label near the middle of its cases, or None where there is no room beside the other labels."""
    middle = np.median(members, axis=0)
    best, least = None, math.inf
    for down in range(-5, 6):
        for across in range(-4, 5):
            at = np.clip(middle + np.array([across * 12.0, down * 9.0]), half + _EDGE, size - half - _EDGE)
            low, high = at - half, at + half
            if np.linalg.norm(at - middle) > _REACH or any((low < box[2:]).all() and (high > box[:2]).all() for box in boxes):
                continue
            covered = int((np.abs(marks - at) < half + _MARK / 2).all(axis=1).sum())
            if covered > _MOST_COVERED:
                continue
            cost = covered * 40.0 + float(np.linalg.norm(at - middle))
            if cost < least:
                best, least = at, cost
    return best


def _wrapped(name: str) -> tuple[str, ...]:
    """Return a name in one line, or in two of about the same length."""
    words = name.split()
    if len(name) <= _LINE_CHARACTERS or len(words) == 1:
        return (name,)
    ways = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
    return min(ways, key=lambda way: max(map(len, way)))
