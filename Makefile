# Two doors for a newcomer: `make serve` and `make test`. The rest are shortcuts of the same kind.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

.PHONY: serve test eval bench fix wheel clean

serve: $(VENV)/.installed ## Set up, build the index, serve the site at http://127.0.0.1:8000
	@$(BIN)/premortem serve

test: $(VENV)/.installed-dev ## Set up, then everything CI runs
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/premortem lint
	@$(BIN)/python -m pytest

eval: $(VENV)/.installed-dev ## nDCG@10, recall@10, MRR@10 on the judged descriptions
	@$(BIN)/premortem index
	@$(BIN)/premortem eval

bench: $(VENV)/.installed-dev ## Speed and memory, as ratios measured in one run
	@$(BIN)/premortem index
	@$(BIN)/python -m tests.benchmarks

fix: $(VENV)/.installed-dev ## Format, and mend what can be mended mechanically
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format
	@$(BIN)/premortem lint --fix

wheel: $(VENV)/.installed-dev ## Build dist/*.whl
	@$(BIN)/python -m hatchling build -t wheel

clean: ## Remove environment, index and caches
	rm -rf $(VENV) index dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Premortem needs Python 3.11 or newer: install it, or run: make PYTHON=/path/to/python3.11 serve" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Torch comes first and pinned: asked for by another package, a newer and far larger build might be taken.
$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing Premortem and what it needs into $(VENV) (once, a few minutes)"
	@$(PIP) torch
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what the tests need"
	@$(PIP) --editable '.[dev]'
	@touch $@
