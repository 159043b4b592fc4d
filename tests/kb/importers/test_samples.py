"""Real archives of others, read where they lie beside the checkout; they are no part of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from kb.case import Case
from kb.corpus import read_corpora
from kb.lint import lint
from tests.kb.importers.conftest import SAMPLES, drafts_of

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"there is no {SAMPLES}")

SECTIONS = {
    "Summary": "story",
    "Timeline": "timeline",
    "Contributing Factors": "factors",
    "Action Items": "prevention",
    "Lessons Learned": "lessons",
}


def alike(text: str) -> str:
    """Return a text as its letters and digits, so that marks and line ends do not count."""
    return re.sub(r"[\W_]+", "", re.sub(r"<br\s*/?>", " ", text)).lower()


def sections_of(text: str) -> dict[str, list[str]]:
    """Return heading → its lines, read in the simplest way, so that nothing of the importer is used to check it."""
    found: dict[str, list[str]] = {}
    name = ""
    fenced = False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        if not fenced and (match := re.match(r"#{1,2} (.+)", line)):
            name = match[1].split("(")[0].strip()
        found.setdefault(name, []).append(line)
    return found


def parts_of(lines: list[str]) -> list[str]:
    """Return every line of a section and every cell of its tables, without headings, headers and marks of notes."""
    parts = []
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        is_header = line.lstrip().startswith("|") and set(following.strip()) <= set("|:- ") and "-" in following
        if is_header or re.fullmatch(r"\s*\*\*[^*]+\*\*:?\s*", line):
            continue
        cells = line.strip().strip("|").split("|") if line.lstrip().startswith("|") else [line]
        parts += [alike(re.sub(r"\[\^(\d+)\]", r"(note \1)", re.sub(r" (\d:\d\d) ", r" 0\1 ", f" {cell} "))) for cell in cells]
    return parts


def words_in(case: Case, field: str) -> tuple[str, str]:
    """Return all that a part of a case says, and what of it is kept under `x_import`."""
    parts = [" ".join(str(getattr(each, name, "")) for name in ("when", "lead", "text")) for each in getattr(case, field)]
    x_import = {name: value for name, value in (case.meta.x_import or {}).items() if name in {"sections", "code", "headings", "original"}}
    return alike(re.sub(r"\[\^s\d+\]|TODO", "", " ".join(parts))), alike(str(x_import))


def test_every_post_mortem_of_dfds_lands(run):
    report = run("dfds", SAMPLES / "dfds")
    cases = {case.meta.x_import["file"]: case for case in drafts_of(report)}
    assert len(cases) == 39
    assert sorted(skipped.file for skipped in report.skipped) == ["LICENSE", "PMyyyy-nnn - Postmortem template.md"]
    missing = []
    for name, case in cases.items():
        found = sections_of((SAMPLES / "dfds" / name).read_text("utf-8"))
        for heading, field in SECTIONS.items():
            body, aside = words_in(case, field)
            if heading == "Timeline":
                body += words_in(case, "story")[0]
            missing += [(name, heading, part) for part in parts_of(found.get(heading, [])[1:]) if part not in body and part not in aside]
    assert missing == []


def test_every_section_of_dfds_is_in_its_place_and_no_gap(run):
    for case in drafts_of(run("auto", SAMPLES / "dfds")):
        found = sections_of((SAMPLES / "dfds" / case.meta.x_import["file"]).read_text("utf-8"))
        for heading, field in SECTIONS.items():
            has_text = any(alike(line) for line in found.get(heading, [])[1:])
            body = words_in(case, field)[0]
            assert bool(body) == has_text or "whattodoanothertime" in body or "whatmadeitfail" in body or not has_text, (case.id, heading)
            if has_text:
                assert not getattr(case, field)[0].lead.startswith("TODO:") if hasattr(getattr(case, field)[0], "lead") else True, (
                    case.id,
                    heading,
                )


def test_every_incident_of_swarmproof_lands(run):
    report = run("swarmproof", SAMPLES / "swarmproof" / "incidents")
    cases = drafts_of(report)
    assert len(cases) == 18
    assert [skipped.file for skipped in report.skipped] == ["_TEMPLATE.yaml"]
    for case in cases:
        source = yaml.safe_load((SAMPLES / "swarmproof" / "incidents" / case.meta.x_import["file"]).read_text("utf-8"))
        for key, field in {
            "summary": "story",
            "detection": "story",
            "recovery": "story",
            "trigger": "factors",
            "root_cause": "factors",
        }.items():
            assert alike(source.get(key, "")) in words_in(case, field)[0], (case.id, key)
        for each in source.get("contributing_factors", []):
            assert alike(each) in words_in(case, "factors")[0], case.id
        assert alike(source["prevention"]) in words_in(case, "prevention")[0]
        assert [each.url for each in case.sources] == list(dict.fromkeys(each["url"] for each in source["sources"]))


def test_drafts_of_real_archives_have_no_problem_but_gaps_and_wording(run, out):
    run("auto", SAMPLES)
    errors = [problem for problem in lint(read_corpora([out])) if problem.severity == "error"]
    assert [str(problem) for problem in errors if problem.rule not in {"personal-data", "secret"}] == []
    assert len(list(Path(out).glob("*.md"))) == 57
