"""What `--fix` mends: the mechanical faults, of which there is one right way out and nothing is lost by it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from kb.corpus import CaseFile, Corpora, read_text
from kb.errors import FolderNotWritableError, Problem
from kb.lint.structure import CASE_FACETS, STRATEGY_FACETS, canonical, is_date
from kb.parse import CASE_SECTIONS, STRATEGY_SECTIONS, references
from kb.taxonomy import Taxonomy
from kb.text import words

_MONTHS = dict(zip(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), range(1, 13), strict=True))
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)\.?"
)
# Only forms that leave no doubt: 03/04/2018 is March in one country and April in another.
_WRITTEN = [
    re.compile(rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)? {_MONTH},? (?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(rf"{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(rf"{_MONTH},? (?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(r"(?P<year>\d{4})[/.](?P<month>\d{1,2})(?:[/.](?P<day>\d{1,2}))?"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?"),
]
_ENTRY = re.compile(r"^(?P<lead>[-*+] +)(?P<when>[^:\n]{4,40})(?P<rest>: )", re.MULTILINE)
_HEADING = re.compile(r"^##[ \t]+(?P<name>[^\n]{1,60}?)[ \t#]*$", re.MULTILINE)
_MENDED_BY_RENDERING = re.compile(r"`[^`]+` is out of order")


def fix(corpora: Corpora, *, only: Collection[str] | None = None) -> list[Path]:
    """Mend what can be mended mechanically, and return the files that were rewritten.

    Mended are canonical form, the order and spelling of section headings, terms that have a new name, and dates that leave no doubt.
    A file is rewritten at once or not at all, only where every word of it stays, and a second time changes nothing.

    Raises:
        FolderNotWritableError: a file cannot be replaced.
    """
    rewritten = []
    for file in corpora.files:
        if only is None or str(file.path) in only:
            mended = mended_text(file, corpora.taxonomy)
            if mended != file.text:
                _replace(file.path, mended)
                rewritten.append(file.path)
    return rewritten


def mended_text(file: CaseFile, taxonomy: Taxonomy) -> str:
    """Return the text of a file with its mechanical faults mended."""
    text = _with_dates(_with_headings(file.text, file.kind)) if file.kind == "case" else _with_headings(file.text, file.kind)
    text = _with_new_names(text, file, taxonomy)
    again, problems = read_text(text, file.path, kind=file.kind)
    if again is None or not all(_is_mended_by_rendering(problem) for problem in problems):
        return text
    whole = canonical(again)
    return whole if _keeps_every_word(text, whole) and not read_text(whole, file.path, kind=file.kind)[1] else text


def _is_mended_by_rendering(problem: Problem) -> bool:
    return problem.rule == "section" and bool(_MENDED_BY_RENDERING.fullmatch(problem.message))


def _keeps_every_word(before: str, after: str) -> bool:
    """Return whether no word or reference goes; fields that are null may come, and step numbers may change."""

    def held(text: str) -> Counter[str]:
        return Counter(word for word in words(text) if not word.isdigit()) + Counter(references(text))

    return not held(before) - held(after)


def _with_headings(text: str, kind: str) -> str:
    """Spell section headings that differ only in case, spaces or the question mark."""
    names = {_bare(name): name for name in (CASE_SECTIONS if kind == "case" else STRATEGY_SECTIONS)}

    def spelt(match: re.Match[str]) -> str:
        name = names.get(_bare(match["name"]))
        return f"## {name}" if name else match[0]

    return _HEADING.sub(spelt, text)


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _with_dates(text: str) -> str:
    """Write timeline dates in ISO form."""
    start = text.find("\n## What happened")
    end = text.find("\n## ", start + 4)
    if start < 0:
        return text
    end = len(text) if end < 0 else end
    return text[:start] + _ENTRY.sub(_with_date, text[start:end]) + text[end:]


def _with_date(match: re.Match[str]) -> str:
    when = match["when"].strip()
    if is_date(when):
        return match[0]
    parts = [_iso(part) for part in re.split(r" (?:to|until|–|-) ", when)]
    mended = " to ".join(part for part in parts if part)
    return f"{match['lead']}{mended}{match['rest']}" if all(parts) and is_date(mended) else match[0]


def _iso(written: str) -> str | None:
    for pattern in _WRITTEN:
        if found := pattern.fullmatch(written.strip()):
            groups = found.groupdict()
            month = _MONTHS.get(groups["month"][:3].lower()) or int(groups["month"]) if groups["month"] else None
            parts = [groups["year"], *(f"{int(part):02}" for part in (month, groups.get("day")) if part)]
            iso = "-".join(parts)
            return iso if is_date(iso) else None
    return written if is_date(written) else None


def _with_new_names(text: str, file: CaseFile, taxonomy: Taxonomy) -> str:
    """Write terms that were renamed by their present ids, in front matter and tags."""
    fields = CASE_FACETS if file.kind == "case" else STRATEGY_FACETS
    for name, vocabulary in fields.items():
        for old, new in taxonomy.aliases(vocabulary).items():
            line = re.compile(rf"^({name}:[^\n]*?(?<![\w-])){re.escape(old)}(?![\w-])", re.MULTILINE)
            text = line.sub(rf"\g<1>{new}", text)
    if file.kind == "case":
        for vocabulary in ("phase", "category"):
            for old, new in taxonomy.aliases(vocabulary).items():
                text = re.sub(rf"`{re.escape(old)}`(?=[ \t]*(?:\[\^[^\]\s]+\]\s*)*$)", f"`{new}`", text, flags=re.MULTILINE)
    return text


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, with the permissions it had; a link stays a link."""
    target = path.resolve()
    beside = ""
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="\n", dir=target.parent, prefix=".lint-", delete=False) as file:
            beside = file.name
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(target, beside)
        Path(beside).replace(target)
    except OSError as error:
        if beside:
            Path(beside).unlink(missing_ok=True)
        raise FolderNotWritableError(
            f"cannot rewrite {path}: {error.strerror}", next_step="check its permissions and those of its folder"
        ) from error
