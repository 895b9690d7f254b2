# Every target sets up what it needs; a second call starts at once.
VENV := .venv
PY := $(VENV)/bin/python
PYTHON ?= python3
STAMP := $(VENV)/.ready-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)

.PHONY: help demo test test-fast setup check format lint types imports bench docs clean constraints

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,check]'
	@rm -f $(VENV)/.ready-* && touch $@

setup: $(STAMP) ## make .venv and install everything that demo, test and check need

demo: $(STAMP) ## twelve generated tasks: which one to learn first?
	$(VENV)/bin/forelearn demo

test: $(STAMP) ## all tests
	$(PY) -m pytest -n 2

test-fast: $(STAMP) ## the tests that take under four minutes together
	$(PY) -m pytest -n 2 -m "not slow"

check: format-check lint types imports ## all static checks

.PHONY: format-check
format-check: $(STAMP)
	$(VENV)/bin/ruff format --check src tests benchmarks studies docs

format: $(STAMP) ## rewrite the code in the house's format
	$(VENV)/bin/ruff format src tests benchmarks studies docs
	$(VENV)/bin/ruff check --fix-only src tests benchmarks studies docs

lint: $(STAMP) ## ruff
	$(VENV)/bin/ruff check src tests benchmarks studies docs

types: $(STAMP) ## mypy --strict
	$(VENV)/bin/mypy

imports: $(STAMP) ## the layers of ARCHITECTURE.md
	$(VENV)/bin/lint-imports --no-cache

bench: $(STAMP) ## every benchmark in its quick form
	@failed=; for f in benchmarks/[a-z]*.py; do name=$$(basename $$f .py); echo "== $$name"; \
	  $(PY) -m benchmarks.$$name --quick || failed="$$failed $$name"; done; \
	  test -z "$$failed" || { echo "not measured:$$failed"; exit 1; }

docs: $(STAMP) ## regenerate the reference of commands in docs/
	$(PY) docs/commands.py > docs/commands.md

.PHONY: docs-tables
docs-tables: $(STAMP) ## judge the published tables below FORELEARN_SHARED_DATA again, into docs/tables.md
	$(PY) docs/make_tables.py

constraints: ## pin every dependency for every platform
	uv pip compile --universal --no-header --no-annotate --python-version 3.11 --all-extras \
	  --constraint <(echo 'torch==2.13.0') pyproject.toml -o constraints.txt

clean: ## remove what was built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-out

.SHELLFLAGS := -ec
SHELL := bash
