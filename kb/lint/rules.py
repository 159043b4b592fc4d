"""The rules of `premortem lint`: one row each here, one page each in docs/rules."""

from __future__ import annotations

from typing import Any

import msgspec

from kb.corpus import shipped
from kb.errors import NotFoundError, Severity
from kb.taxonomy import did_you_mean


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    """What is wrong, in a few words."""
    severity: Severity = "error"
    in_drafts: Severity = "error"
    """Severity in a draft, which may have gaps and rough edges."""
    keeps_out: bool = False
    """Whether a file with such an error cannot be indexed."""
    fixable: bool = False
    """Whether there are cases of it that `--fix` mends."""


_FORM: dict[str, Any] = {"keeps_out": True}
_GAP: dict[str, Any] = {"in_drafts": "warning"}

RULES: dict[str, Rule] = {
    rule_id: msgspec.convert({"id": rule_id, "title": title, **traits}, Rule)
    for rule_id, title, traits in [
        ("file", "A file that cannot be read", _FORM),
        ("file-name", "A file name that is no id", _FORM),
        ("front-matter", "A front matter field that is missing, unknown or of the wrong form", _FORM),
        ("vocabulary", "A word that the taxonomy does not know", {**_FORM, "fixable": True}),
        ("section", "A section that is missing, empty, unknown, repeated or out of order", {**_FORM, "fixable": True}),
        ("block", "A block that does not belong in its section", _FORM),
        ("item", "An item without its lead, phase or category", {**_FORM, **_GAP}),
        ("timeline", "A timeline entry without a date, or out of order", _FORM),
        ("date", "A date that is none", {"fixable": True}),
        ("source-form", "A footnote that is not in the form of a source", _FORM),
        ("source-missing", "A statement without a source", {**_FORM, **_GAP}),
        ("source-undefined", "A footnote that is cited but not defined", _FORM),
        ("source-unused", "A footnote that is defined but not cited", _GAP),
        ("evidence", "An `evidence` that is not the best kind of source", _GAP),
        ("figure", "A figure without a source", _GAP),
        ("link", "A link that leads nowhere", _FORM),
        ("unsafe-link", "An address that is no web address", _FORM),
        ("raw-html", "HTML in the text", _FORM),
        ("duplicate", "An id or a title that another file has", _FORM),
        ("duplicate-source", "A source that another case rests on", {"severity": "warning", "in_drafts": "warning"}),
        ("near-duplicate", "A case that tells the same as another", {"severity": "warning", "in_drafts": "warning"}),
        ("secret", "A key, token or password", {}),
        ("personal-data", "An e-mail address, a phone number or a private name", {}),
        ("blame", "Words that blame", _GAP),
        ("advice", "Advice worded as a fact", _GAP),
        ("todo", "A gap that is still to be filled", {**_FORM, **_GAP}),
        ("form", "A file that is not in canonical form", {"in_drafts": "warning", "fixable": True}),
    ]
}
"""Id → rule, in the order of the documentation: from the file as a whole to its wording."""


def explain(rule_id: str) -> str:
    """Return the documentation of a rule, as Markdown.

    Raises:
        NotFoundError: there is no such rule; names the nearest.
    """
    if rule_id not in RULES:
        raise NotFoundError(f"no rule {rule_id!r}", next_step=did_you_mean(rule_id, list(RULES)))
    return (shipped("docs") / "rules" / f"{rule_id}.md").read_text("utf-8")
