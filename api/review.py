"""What a review of contributed cases says, and how it reads as a comment. Needs msgspec alone: whoever posts it trusts nothing in it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec

MOST_ANSWERS = 10
"""Descriptions shown of each case; the rest are counted."""
MOST_CASES = 20
MARK = "<!-- premortem: review of cases -->"
"""First line of the comment."""
_MAX_BYTES = 1_000_000
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff`]")

Id = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._-]{1,120}\Z")]
Words = Annotated[str, msgspec.Meta(max_length=400)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Answered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A judged description that the case is among the first ten answers to."""

    id: Id
    text: Words
    """Its beginning."""
    position: Annotated[int, msgspec.Meta(ge=1, le=10)]
    band: Literal["strong", "related", "weak"]


class Alike(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Id
    title: Words
    near_duplicate: bool


class ReviewedCase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Id
    title: Words
    status: Id
    n_errors: Count
    n_warnings: Count
    is_searched: bool
    """Whether a search can find it: its form is right."""
    n_answers: Count
    answers: Annotated[tuple[Answered, ...], msgspec.Meta(max_length=MOST_ANSWERS)]
    """Those that it answers best, best first."""
    neighbours: Annotated[tuple[Alike, ...], msgspec.Meta(max_length=10)]


class Review(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    n_descriptions: Count
    """Judged descriptions that were searched with."""
    n_files: Count
    """Case files that were added or changed."""
    cases: Annotated[tuple[ReviewedCase, ...], msgspec.Meta(max_length=MOST_CASES)]


def read_review(data: bytes) -> Review:
    """Return a review that another process wrote.

    Raises:
        ValueError: it is not in the form of one, or too long.
    """
    if len(data) > _MAX_BYTES:
        raise ValueError(f"{len(data):,} bytes are too many for a review")
    return msgspec.json.decode(data, type=Review)


def review_markdown(review: Review) -> str:
    """Return a review as Markdown in which whatever a contributor wrote stands as code: no link, no name called, no HTML."""
    if not review.cases:
        return f"{MARK}\n\nNo case was added or changed.\n"
    more = review.n_files - len(review.cases)
    parts = [MARK, *(_case(case, review.n_descriptions) for case in review.cases)]
    if more > 0:
        parts.append(f"{more} more files were changed; these are the first {len(review.cases)}.")
    return "\n\n".join(parts) + "\n"


def _case(case: ReviewedCase, n_descriptions: int) -> str:
    lines = [f"### {_code(case.id)}", "", f"{_code(case.title)}, {_code(case.status)}. {_checked(case)}", ""]
    if not case.is_searched:
        return "\n".join([*lines, "It cannot be searched yet: mend its form, then its answers are shown here."])
    lines.append("**Descriptions this case will now answer**")
    lines.append("")
    if case.answers:
        lines += [f"- place {each.position}, {each.band}: {_code(each.text)} ({_code(each.id)})" for each in case.answers]
        rest = case.n_answers - len(case.answers)
        lines += ["", f"… and {rest} more of {n_descriptions} judged descriptions."] if rest > 0 else []
    else:
        lines.append(
            f"None of {n_descriptions} judged descriptions has it among its first ten. Lines under *Is this you?* help a plan to meet it."
        )
    if case.neighbours:
        near = [each for each in case.neighbours if each.near_duplicate]
        lines += ["", "**It may tell the same as**" if near else "**Most like it**", ""]
        lines += [f"- {_code(each.title)} ({_code(each.id)})" for each in near or case.neighbours]
    return "\n".join(lines)


def _checked(case: ReviewedCase) -> str:
    if not case.n_errors and not case.n_warnings:
        return "Nothing to mend."
    counts = [f"{count} {noun}{'s' * (count != 1)}" for count, noun in ((case.n_errors, "error"), (case.n_warnings, "warning")) if count]
    return f"{' and '.join(counts)}: see the annotations, or run `premortem lint`."


def _code(text: str) -> str:
    shown = " ".join(_UNSHOWN.sub(" ", text).split())
    return f"`{shown or '?'}`"


def main() -> None:
    """Print the review in the file named as Markdown."""
    try:
        sys.stdout.write(review_markdown(read_review(Path(sys.argv[1]).read_bytes())))
    except (ValueError, IndexError, OSError) as error:
        sys.exit(f"no review: {error}")


if __name__ == "__main__":
    main()
