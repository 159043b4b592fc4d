"""The signs to watch as a Markdown checklist, to paste into a tracker or a wiki."""

from __future__ import annotations

import re

from indexer.answer import Answer
from kb.taxonomy import Taxonomy

_SPECIAL = re.compile(r"([\[\]\\<])")
_HTML = re.compile(r"<(?=[a-zA-Z/!?])")


def signs_markdown(answer: Answer, taxonomy: Taxonomy, *, site: str) -> str:
    """Return a task list of the signs of an answer, grouped by phase, each with the cases in which it was seen.

    Args:
        answer: of a search.
        taxonomy: names the phases.
        site: address of the site, without a slash at the end, for links to the cases.
    """
    titles = {case.id: _SPECIAL.sub(r"\\\1", case.title) for case in answer.cases}
    lines = ["# Signs to watch"]
    phase = None
    for sign in answer.signs:  # these are in order of phase
        if sign.phase != phase:
            phase = sign.phase
            lines += ["", f"## {taxonomy.name('phase', phase)}", ""]
        seen = "; ".join(f"[{titles[case]}]({site}/cases/{case})" for case in sign.cases)
        said = f"**{sign.text}** {sign.detail}" if sign.detail else f"**{sign.text}**"
        # Here raw HTML is shown as text; where the list is pasted it might not be.
        lines.append(f"- [ ] {_HTML.sub(r'&lt;', said)} Seen in {seen}.")
    return "\n".join(lines) + "\n"
