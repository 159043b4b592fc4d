"""What editors complete and check front matter with is what lint accepts."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

from kb._markdown import read_document
from kb.case import FRONT_MATTER, CaseMeta, StrategyMeta
from kb.lint.structure import CASE_FACETS, STRATEGY_FACETS
from kb.schema import SNIPPETS, schemas, snippets, write
from tests.conftest import CASES, ROOT
from tests.kb.conftest import CASE_TEXT, STRATEGY_TEXT
from tests.kb.test_seeded import ROWS, SEEDED

CASE, STRATEGY = "case.schema.json", "strategy.schema.json"


def front(text: str) -> dict[str, object]:
    return read_document(text).front


@pytest.mark.parametrize("name", [CASE, STRATEGY])
def test_the_schemas_beside_the_cases_are_current(shipped_corpora, name):
    assert (CASES / name).read_text("utf-8") == schemas(shipped_corpora.taxonomy)[name], "run `python -m kb.schema`"


def test_the_snippets_are_current(shipped_corpora):
    assert (ROOT / ".vscode" / SNIPPETS).read_text("utf-8") == snippets(shipped_corpora.taxonomy), "run `python -m kb.schema`"


@pytest.mark.parametrize("name, struct, facets", [(CASE, CaseMeta, CASE_FACETS), (STRATEGY, StrategyMeta, STRATEGY_FACETS)])
def test_a_schema_tells_every_field_and_every_term(shipped_corpora, name, struct, facets):
    schema = json.loads(schemas(shipped_corpora.taxonomy)[name])
    Draft202012Validator.check_schema(schema)
    assert list(schema["properties"]) == list(FRONT_MATTER[struct])
    assert all(form["description"] for form in schema["properties"].values())
    for field, vocabulary in facets.items():
        form = schema["properties"][field]
        choices = form.get("items", form)
        assert choices["enum"] == shipped_corpora.taxonomy.ids(vocabulary)
        assert len(choices["enumDescriptions"]) == len(choices["enum"])


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((CASES / name).read_text("utf-8")))


def test_shipped_front_matter_fits_its_schema(shipped_corpora):
    for file in shipped_corpora.files:
        assert not list(validator(CASE if file.case else STRATEGY).iter_errors(front(file.text))), file.path


@pytest.mark.parametrize("name, text", [(CASE, CASE_TEXT), (STRATEGY, STRATEGY_TEXT)])
def test_good_front_matter_fits_its_schema(name, text):
    assert validator(name).is_valid(front(text))


# Which case replaces which, and whether years run backwards, no schema can tell.
BEYOND = {"superseded without a successor", "successor in a published case", "years backwards"}


@pytest.mark.parametrize(
    "file", [file for file, line, rule, fault in ROWS if rule in {"front-matter", "vocabulary"} and line <= 14 and fault not in BEYOND]
)
def test_seeded_faults_of_front_matter_break_the_schema(file):
    document = read_document((SEEDED / file).read_text("utf-8"))
    assert document.front_error or not validator(STRATEGY if file.startswith("strategies") else CASE).is_valid(document.front)


def test_the_schema_of_another_corpus_lists_its_own_terms(tmp_path):
    own = (CASES / "taxonomy.yaml").read_text("utf-8").replace("id: logistics", "id: harbours")
    (tmp_path / "taxonomy.yaml").write_text(own, "utf-8")
    write(tmp_path)
    assert "harbours" in json.loads((tmp_path / CASE).read_text("utf-8"))["properties"]["industry"]["enum"]
    assert {path.name for path in tmp_path.iterdir()} == {"taxonomy.yaml", CASE, STRATEGY}


def test_the_first_choices_of_the_snippet_make_valid_front_matter(shipped_corpora):
    body = "\n".join(json.loads(snippets(shipped_corpora.taxonomy))["case-facets"]["body"])
    typed = re.sub(r"\$\{\d+\|([^,|]+)[^|]*\|\}", r"\1", re.sub(r"\$\{\d+:([^}]*)\}", r"\1", body)).replace("$1", "A title")
    assert validator(CASE).is_valid(yaml.safe_load(typed.split("---")[1]))


def test_the_problem_matcher_of_the_editor_reads_the_text_form(shipped_corpora):
    from api.findings import as_text
    from kb.errors import Problem

    [task] = json.loads((ROOT / ".vscode" / "tasks.json").read_text("utf-8"))["tasks"]
    problem = Problem(source="cases/studies/a.md", line=9, column=8, rule="source-form", message="unknown phase 'x'", advice="y")
    first = as_text([problem], n_files=1, n_mendable=0).split("\n")[0]
    match = re.fullmatch(task["problemMatcher"]["pattern"]["regexp"].replace("\\\\", "\\"), re.sub(r"\x1b\[[\d;]*m", "", first))
    assert match is not None
    assert match.groups() == ("cases/studies/a.md", "9", "8", "error", "unknown phase 'x'", "source-form")


@pytest.mark.parametrize("file", [".pre-commit-hooks.yaml", ".pre-commit-config.yaml"])
def test_hooks_run_on_cases_and_strategies_alone(file):
    read = yaml.safe_load((ROOT / file).read_text("utf-8"))
    for hook in read if isinstance(read, list) else read["repos"][0]["hooks"]:
        assert "premortem lint" in hook["entry"]
        assert re.search(hook["files"], "cases/studies/example-2019.md")
        assert re.search(hook["files"], "cases/strategies/example.md")
        assert not re.search(hook["files"], "cases/README.md")
