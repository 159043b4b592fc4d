"""The error tree is complete wherever it is told: code, HTTP status, exit code, docstring."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import kb.errors
from api.cli import EXIT_CODES
from api.problems import STATUS
from kb.errors import CorpusError, InvalidCasesError, PremortemError, Problem


def tree(root: type[PremortemError]) -> Iterator[type[PremortemError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


ERRORS = list(tree(PremortemError))
every_error = pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)


def test_the_walk_reaches_the_leaves():
    assert kb.errors.PortInUseError in ERRORS
    assert len(ERRORS) == len(set(ERRORS))


@every_error
def test_every_error_has_a_http_status(error):
    assert 400 <= STATUS[error] <= 599


@every_error
def test_every_error_has_an_exit_code_that_means_failure(error):
    assert 1 <= EXIT_CODES[error] <= 125


@every_error
def test_every_error_lives_in_the_one_module(error):
    assert error.__module__ == "kb.errors"


@every_error
def test_every_error_has_a_code_of_its_own(error):
    assert "code" in vars(error)
    assert [other for other in ERRORS if other.code == error.code] == [error]


@every_error
def test_every_error_is_drawn_below_its_parent(error):
    lines = [line for line in (kb.errors.__doc__ or "").split("\n") if error.__name__ in line.split()]
    assert len(lines) == 1
    assert drawn_parent(error.__name__) == (None if error is PremortemError else error.__bases__[0].__name__)


def drawn_parent(name: str) -> str | None:
    """Name of the nearest line above that is indented less."""
    drawn = [
        (len(line) - len(line.lstrip("│├└─ ")), line.lstrip("│├└─ ").split()[0])
        for line in (kb.errors.__doc__ or "").split("\n")
        if "Error" in line
    ]
    place = [word for _, word in drawn].index(name)
    above = [word for depth, word in drawn[:place] if depth < drawn[place][0]]
    return above[-1] if above else None


def test_the_drawing_shows_no_error_that_does_not_exist():
    drawn = {word for word in (kb.errors.__doc__ or "").split() if word.endswith("Error")}
    assert drawn == {error.__name__ for error in ERRORS}


def test_tables_hold_no_error_from_elsewhere():
    assert set(STATUS) == set(EXIT_CODES) == set(ERRORS)


def test_an_error_tells_what_to_do_next():
    error = CorpusError("no folder /x", next_step="give --cases a folder")
    assert (str(error), error.next_step) == ("no folder /x", "give --cases a folder")


def test_an_error_without_next_step_cannot_be_made():
    with pytest.raises(TypeError):
        CorpusError("no folder /x")


@pytest.mark.parametrize(
    "sources, message", [(["a"], "1 problem in 1 file"), (["a", "a"], "2 problems in 1 file"), (["a", "b", "b"], "3 problems in 2 files")]
)
def test_invalid_cases_count_problems_and_files(sources, message):
    problems = [Problem(source=source, line=1, rule="r", message="m", advice="a") for source in sources]
    error = InvalidCasesError(problems)
    assert str(error) == message
    assert error.problems == tuple(problems)
    assert "--skip-invalid" in error.next_step
