.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := build/demo

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

install: $(READY) ## Make the virtual environment with all that the other targets need

# A second `make` is quick: the stamp is younger than the files that say what to install.
$(READY): pyproject.toml functions/exr_inspector/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "exr-inspector needs Python 3.10 or later; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[cli,serve,test]'
	@touch $@

demo: $(READY) ## Inspect EXR files into an embedded database and show it; FILES="..." for your own
	@$(if $(FILES),rm -f $(DEMO)/exr.duckdb,rm -rf $(DEMO)) && mkdir -p $(DEMO)
	@$(if $(FILES),,$(BIN)/python -m tests.exrfiles.demo $(DEMO) >/dev/null)
	@$(BIN)/exr-inspector inspect $(or $(FILES),$(DEMO)) --recursive --db $(DEMO)/exr.duckdb --table || test $$? -eq 1
	@echo && $(BIN)/exr-inspector sql --db $(DEMO)/exr.duckdb "$$(cat tests/exrfiles/demo.sql)"
	@printf '\nAsk more:\n  %s\n  %s\n' '$(BIN)/exr-inspector sql --db $(DEMO)/exr.duckdb "SELECT * FROM channels"' \
	  '$(BIN)/exr-inspector similar --db $(DEMO)/exr.duckdb --explain $(if $(FILES),FILE,$(DEMO)/shots/sq010/sh020/beauty.1002.exr)'

test: $(READY) ## Run the tests
	$(BIN)/python -m pytest -q -n 2

check: lint docs-check test ## Run everything that CI runs

lint: $(READY) ## Check format, lint, types, spelling and shell scripts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/shellcheck .ci/run deploy.sh

docs-check: $(READY) ## Check that the generated documents are those that the code gives
	$(BIN)/python -m docs.generate --check

docs: $(READY) ## Write the generated documents
	$(BIN)/python -m docs.generate

format: $(READY) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet . || true

bench: $(READY) ## Time the parts of the work side by side
	$(BIN)/python -m benchmarks.whole_way
	$(BIN)/python -m benchmarks.speed
	$(BIN)/python -m benchmarks.stores
	$(BIN)/python -m benchmarks.soak

bench-similarity: $(READY) ## Measure how well the vectors find similar renders
	$(BIN)/python -m benchmarks.similarity

build: ## Pack the folder that is deployed, the same bytes every time
	@$(PYTHON) -m deploy.pack build/exr_inspector.tar.gz

dev: $(READY) ## Run the tests that a change touches last, again and again: make dev TESTS=tests/exr
	$(BIN)/python -m pytest -q -x --ff $(TESTS)

clean: ## Remove everything that make has made
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info functions/exr_inspector/*.egg-info

.PHONY: help install demo test check lint docs docs-check format bench bench-similarity build dev clean
