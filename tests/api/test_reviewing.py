"""The review of contributed cases: real searches, a comment that nobody can misuse, workflows that give nothing away."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from api.cli import cli
from api.review import MARK, Alike, Answered, Review, ReviewedCase, read_review, review_markdown
from api.reviewing import changed_files
from indexer.generation import current_generation
from kb.errors import CorpusError
from tests.api.conftest import Ran
from tests.conftest import CASES, ROOT

Command = Callable[..., Ran]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MINE = "dairy-cooling-alarms-2021"
PLAN = "We will move the cooling alarms of our dairies to one cloud service and switch the local sirens off on the same day."
JUDGED = f"""
- id: near
  kind: brief
  text: {PLAN} The night shift will be told by an app.
  grades: {{{MINE}: 3}}
- id: far
  kind: brief
  text: We replace the marketing platform of a retailer and connect it to the customer register.
  grades: {{retailer-crm-marketing: 3}}
- id: nothing
  kind: brief
  text: Write me a haiku about the first frost.
  grades: {{}}
"""


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(small_corpus: Path) -> Path:
    """The small corpus as the folder `corpus` of a git repository with one commit on `main`."""
    git(small_corpus.parent, "init", "--initial-branch", "main")
    git(small_corpus.parent, "add", "corpus")
    git(small_corpus.parent, "commit", "-m", "Cases")
    return small_corpus


def add_case(corpus: Path, name: str = MINE) -> Path:
    """Add a case of another trade, made of a shipped one."""
    text = (CASES / "studies" / "warehouse-analytics-legacy.md").read_text("utf-8")
    text = re.sub(r"^title: .*$", "title: Cooling alarms of dairies go to the cloud and stay silent", text, flags=re.MULTILINE)
    text = text.replace("status: published", "status: draft")
    text = re.sub(
        r"(## Undertaking\n\n).*?(\n\n## Is this you\?\n\n).*?(\n\n## What)", rf"\1{PLAN}[^s1]\2- {PLAN}\3", text, flags=re.DOTALL
    )
    path = corpus / "studies" / f"{name}.md"
    path.write_text(text, "utf-8")
    return path


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


# --- which files


def test_committed_changed_and_new_files_are_reviewed_and_removed_ones_are_not(repository: Path):
    git(repository.parent, "switch", "-c", "mine")
    add_case(repository, "committed-2020")
    git(repository.parent, "add", ".")
    git(repository.parent, "commit", "-m", "One")
    add_case(repository, "new with blank")
    changed = repository / "studies" / "retailer-crm-marketing.md"
    changed.write_text(changed.read_text("utf-8") + "\n", "utf-8")
    (repository / "studies" / "ecommerce-payment-api.md").unlink()
    (repository / "notes.md").write_text("no case", "utf-8")
    assert names(changed_files([repository], None)) == ["committed-2020.md", "new with blank.md", "retailer-crm-marketing.md"]
    assert names(changed_files([repository], "HEAD")) == ["new with blank.md", "retailer-crm-marketing.md"]


def test_what_main_has_gained_since_is_not_reviewed(repository: Path):
    git(repository.parent, "switch", "-c", "mine")
    git(repository.parent, "switch", "main")
    add_case(repository, "theirs-2020")
    git(repository.parent, "add", ".")
    git(repository.parent, "commit", "-m", "Theirs")
    git(repository.parent, "switch", "mine")
    assert changed_files([repository], None) == []


@pytest.mark.parametrize("base", ["nowhere", "--output=/tmp/x", "-p", "; rm -rf /", "HEAD\n"])
def test_a_base_that_is_no_commit_is_told(repository: Path, base: str):
    with pytest.raises(CorpusError) as error:
        changed_files([repository], base)
    assert "--base" in error.value.next_step


def test_outside_git_the_files_are_to_be_named(small_corpus: Path):
    with pytest.raises(CorpusError) as error:
        changed_files([small_corpus], None)
    assert "name" in error.value.next_step


# --- the review, by the real engine


def test_review_tells_which_descriptions_the_case_answers_and_what_it_is_like(
    premortem: Command, repository: Path, small_real_index: Path, tmp_path: Path
):
    (tmp_path / "judged").mkdir()
    (tmp_path / "judged" / "briefs-x.yaml").write_text(JUDGED, "utf-8")
    add_case(repository)
    options = ("--cases", repository, "--index", small_real_index, "--judged", tmp_path / "judged")
    ran = premortem("review-cases", *options, "--json")
    review = read_review(ran.out.encode())
    (case,) = review.cases
    assert (ran.code, case.id, case.is_searched, case.status) == (0, MINE, True, "draft")
    assert review.n_descriptions == 2  # nothing can be learnt from one that nothing is useful for
    assert (case.answers[0].id, case.answers[0].position) == ("near", 1)
    assert case.neighbours
    assert MINE not in {each.id for each in case.neighbours}
    comment = premortem("review-cases", *options, f"{repository}/studies/{MINE}.md").out
    assert comment == review_markdown(review)
    assert "place 1, strong" in comment or "place 1, related" in comment


def test_an_archive_that_is_searched_as_it_is_stays_in_the_index(
    premortem: Command, repository: Path, small_real_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PREMORTEM_LENIENT", "1")
    (tmp_path / "briefs-x.yaml").write_text(JUDGED, "utf-8")
    premortem("review-cases", "--cases", repository, "--index", small_real_index, "--judged", tmp_path, add_case(repository))
    assert current_generation(small_real_index)[1].lenient


def test_a_case_that_cannot_be_searched_is_told(premortem: Command, repository: Path, small_real_index: Path, tmp_path: Path):
    (tmp_path / "briefs-x.yaml").write_text(JUDGED, "utf-8")
    path = add_case(repository)
    path.write_text(path.read_text("utf-8").replace("## Lessons", "## Lessens"), "utf-8")
    ran = premortem("review-cases", "--cases", repository, "--index", small_real_index, "--judged", tmp_path)
    assert ran.code == 0
    assert "cannot be searched yet" in ran.out


def test_without_changes_nothing_is_searched(premortem: Command, repository: Path, tmp_path: Path):
    (tmp_path / "briefs-x.yaml").write_text(JUDGED, "utf-8")
    ran = premortem("review-cases", "--cases", repository, "--index", tmp_path / "none", "--judged", tmp_path)
    assert (ran.code, "No case was added" in ran.out) == (0, True)
    assert not (tmp_path / "none").exists()


def test_without_descriptions_it_is_told(premortem: Command, repository: Path, tmp_path: Path):
    ran = premortem("review-cases", "--cases", repository, "--judged", tmp_path)
    assert (ran.code, "no judged descriptions" in ran.err) == (4, True)


# --- the comment: its author may write, so it trusts nobody


def a_case(**changed: Any) -> ReviewedCase:
    usual = ReviewedCase(
        id="x-2024",
        title="A title",
        status="draft",
        n_errors=0,
        n_warnings=2,
        is_searched=True,
        n_answers=12,
        answers=(Answered(id="b001", text="We will …", position=1, band="strong"),),
        neighbours=(Alike(id="y-2020", title="Another", near_duplicate=False),),
    )
    return msgspec.structs.replace(usual, **changed)


def comment(*cases: ReviewedCase) -> str:
    return review_markdown(Review(n_descriptions=168, n_files=len(cases), cases=cases))


HOSTILE = "@everyone [x](https://evil.example) ![x](https://evil.example/x.png) <img src=x> `@me` ``@you`` #1\n\n# Merged\n- [x] ok"


def outside_code(markdown: str) -> str:
    return re.sub(r"`[^`\n]*`", "", markdown.replace(MARK, ""))


def test_what_a_contributor_wrote_is_shown_as_code_alone():
    markdown = comment(
        a_case(
            title=HOSTILE,
            answers=(Answered(id="b001", text=HOSTILE, position=1, band="strong"),),
            neighbours=(Alike(id="y-2020", title=HOSTILE, near_duplicate=True),),
        )
    )
    rest = outside_code(markdown)
    for sign in ("@", "evil", "<img", "![", "](", "#1", "# Merged", "[x]"):
        assert sign not in rest
    assert "may tell the same" in rest


def test_review_survives_being_written_and_read():
    review = Review(n_descriptions=1, n_files=1, cases=(a_case(),))
    assert read_review(msgspec.json.encode(review)) == review


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../x"},
        {"id": "x\n# y"},
        {"title": "x" * 401},
        {"status": "<b>"},
        {"n_errors": -1},
        {"answers": [{"id": "b", "text": "", "position": 0, "band": "strong"}]},
        {"answers": [{"id": "b", "text": "", "position": 1, "band": "[x](y)"}]},
        {"answers": [{"id": "b", "text": "", "position": 1, "band": "weak"}] * 11},
        {"unknown": 1},
        {"title": None},
    ],
)
def test_what_is_no_review_is_refused(change: dict[str, Any]):
    raw = msgspec.json.decode(msgspec.json.encode(Review(n_descriptions=1, n_files=1, cases=(a_case(),))))
    raw["cases"][0] |= change
    with pytest.raises(msgspec.ValidationError):
        read_review(msgspec.json.encode(raw))


@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 50_000, b" " * 1_000_001, b"\xff", b'{"cases": []}'])
def test_what_is_no_json_of_a_review_is_refused_without_traceback(data: bytes, tmp_path: Path):
    (tmp_path / "review.json").write_bytes(data)
    ran = subprocess.run([sys.executable, "-m", "api.review", tmp_path / "review.json"], capture_output=True, text=True, cwd=ROOT)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("no review: ")


def test_writing_the_comment_needs_msgspec_alone():
    code = "import sys; before = set(sys.modules); import api.review; print(*{m.split('.')[0] for m in set(sys.modules) - before})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    needed = set(ran.stdout.split()) - set(sys.stdlib_module_names)
    assert needed - {"typing_extensions"} == {"api", "msgspec"}  # msgspec reads its types where it is there


# --- the workflows


def steps_of(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
class TestWorkflow:
    def test_actions_are_pinned_to_commits(self, path: Path):
        used = re.findall(r"uses: (.*)", path.read_text("utf-8"))
        assert used
        assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in used)

    def test_neither_secrets_nor_the_trigger_that_has_them(self, path: Path):
        text = path.read_text("utf-8")
        assert "secrets." not in text
        assert "pull_request_target" not in text

    def test_permissions_are_given_one_by_one(self, path: Path):
        workflow = yaml.safe_load(path.read_text("utf-8"))
        assert workflow["permissions"] in ({}, {"contents": "read"})
        granted = {name for job in workflow["jobs"].values() for name, right in job.get("permissions", {}).items() if right == "write"}
        assert granted == ({"pull-requests"} if path.stem == "cases-comment" else set())

    def test_nothing_from_outside_is_put_into_a_script(self, path: Path):
        assert not [step["run"] for step in steps_of(yaml.safe_load(path.read_text("utf-8"))) if "${{" in step.get("run", "")]

    def test_no_checkout_leaves_a_token_behind(self, path: Path):
        checkouts = [step for step in steps_of(yaml.safe_load(path.read_text("utf-8"))) if "actions/checkout" in step.get("uses", "")]
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)

    def test_its_commands_exist(self, path: Path):
        scripts = "\n".join(step.get("run", "") for step in steps_of(yaml.safe_load(path.read_text("utf-8"))))
        assert set(re.findall(r"bin/premortem ([a-z-]+)", scripts)) <= set(cli.commands)


def test_of_the_request_only_texts_are_read():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "cases.yml").read_text("utf-8"))
    checkouts = {step["with"]["path"]: step["with"] for step in steps_of(workflow) if "actions/checkout" in step.get("uses", "")}
    assert checkouts["tool"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    scripts = "\n".join(step.get("run", "") for step in steps_of(workflow))
    assert re.findall(r"proposed/\S*", scripts) == ["proposed/cases"]
    assert re.findall(r"\bmake .*", scripts) == ["make -C tool .venv/.installed"]
    assert re.findall(r"\S*python.*", scripts) == ['.venv/bin/python -m api.review ../review.json >> "$GITHUB_STEP_SUMMARY"']
    assert not re.search(r"\bpip\b", scripts)


def test_the_comment_comes_from_the_main_branch():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "cases-comment.yml").read_text("utf-8"))
    (checkout,) = [step for step in steps_of(workflow) if "actions/checkout" in step.get("uses", "")]
    assert checkout["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    post = next(step["run"] for step in steps_of(workflow) if step.get("name") == "Post it")
    assert post.index("=~ ^[1-9][0-9]{0,9}$") < post.index(".head.sha") < post.index("gh pr comment")
