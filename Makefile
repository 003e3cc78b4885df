# Two commands do everything, given Python 3.11+, Node 20.19+ and make:
#   make run     build what is missing and start Vedette with the demo workspace
#   make test    run every check
# `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
ifndef LANES
.NOTPARALLEL:
endif
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
DEMO := .vedette/demo
JOBS ?= 2
ARGS ?=
# The first Python that is new enough; `make PYTHON=...` names another.
PYTHON ?= $(shell for one in python3 python3.13 python3.12 python3.11 python; do \
	"$$one" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$one" && break; done)

CONSOLE_INDEX := src/vedette/console_assets/index.html
ifneq ($(wildcard console/package.json),)
HAS_CONSOLE := yes
CONSOLE_SOURCES := $(shell find console \( -name node_modules -o -name dist -o -name coverage -o -path console/tests \
	-o -path console/mock -o -path console/smoke -o -name '*.md' \) -prune -o -type f -print)
endif

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export NO_MKDOCS_2_WARNING := 1

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

# ---------------------------------------------------------------- set-up

.PHONY: setup setup-dev
setup: $(VENV)/.installed ## .venv with Vedette and what it needs to run

setup-dev: $(VENV)/.installed-dev $(if $(shell command -v npm),tests/oracle/node_modules/.installed tests/azurite/node_modules/.installed) ## the same with what developers need

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Vedette needs Python 3.11 or newer; none was found (make PYTHON=/path/to/python3)" >&2; exit 1; fi
	@echo "creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python cannot create a virtual environment (Debian: apt-get install python3-venv)" >&2; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing what Vedette needs (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt hatchling editables
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation --editable '.[postgres,geo]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing what developers need"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation --editable '.[dev]'
	@touch $@

# What npm brings for tests, which are skipped without it: Microsoft's language service (the differential tests of KQL) and Azurite,
# Microsoft's emulator of Azure Storage.
tests/%/node_modules/.installed: tests/%/package.json tests/%/package-lock.json
	@echo "installing what tests/$* asks"
	@cd tests/$* && npm ci --no-audit --no-fund --loglevel=error \
		&& touch node_modules/.installed || echo "npm could not install what tests/$* asks; its tests will be skipped" >&2

# ---------------------------------------------------------------- console

.PHONY: console node
console: $(if $(HAS_CONSOLE),$(CONSOLE_INDEX)) ## build the web console into the package

node:
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null || \
		{ echo "The console is built with Node 20.19 or newer, which was not found" >&2; exit 1; }

console/node_modules/.installed: console/package.json console/package-lock.json | node
	@echo "installing what the console is built with"
	@cd console && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# A recursive make instead of a prerequisite: where the built console is there already, Node is not asked for.
$(CONSOLE_INDEX): $(CONSOLE_SOURCES)
	@$(MAKE) --no-print-directory console/node_modules/.installed
	@echo "building the console"
	@cd console && npm run --silent build -- --logLevel warn
	@touch $@

# ---------------------------------------------------------------- run

.PHONY: run
run: setup console ## start Vedette with the demo workspace (ARGS='--port 9000' adds options)
	@exec $(BIN)/vedette serve --demo --data $(DEMO) $(ARGS)

# ---------------------------------------------------------------- checks

.PHONY: test lint format types imports console-check unit docs pages trace soak bench system-packages
# What reads the sources alone goes side by side; the tests after it, since some of them look at the clock.
test: setup-dev system-packages console $(if $(HAS_CONSOLE),console/node_modules/.installed) ## every check (see the parts below)
	@$(MAKE) --no-print-directory -j $(JOBS) $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) LANES=yes \
		types console-check docs lint imports
	@$(MAKE) --no-print-directory unit

lint: setup-dev ## ruff: style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup-dev ## ruff: repair style and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup-dev ## mypy --strict
	$(BIN)/mypy

imports: setup-dev ## rooms import one way, as docs/architecture.md says
	$(BIN)/lint-imports --no-logo

console-check: console $(if $(HAS_CONSOLE),console/node_modules/.installed) ## lint, types and unit tests of the console
ifdef HAS_CONSOLE
	cd console && npm run --silent lint && npm run --silent typecheck && npm test --silent
else
	@echo "there is no console yet"
endif

unit: setup-dev console ## pytest: unit, integration, browser, packaging, documentation
	$(BIN)/python -m pytest -n $(JOBS) --trace-results=test-results/trace.json $(ARGS)

docs: setup-dev ## build the documentation into site/; a dead link or a page left out fails
	$(BIN)/python -m tools.pages --check
	$(BIN)/mkdocs build --strict

pages: setup-dev ## rewrite the pages of docs/ that are made from the program (commands, settings, KQL)
	$(BIN)/python -m tools.pages

trace: setup ## which requirements a test of the last `make test` proved (ARGS=--verbose lists all)
	@$(BIN)/python -m tools.requirements $(ARGS)

# pytest says so and ends with 5 where nothing is marked.
soak: setup-dev console ## long runs
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt pyspark
	@$(BIN)/python -m pytest -m soak --timeout 7200 $(ARGS) || [ $$? -eq 5 ]

bench: setup-dev console ## measurements for docs/performance.md
	@$(BIN)/python -m pytest -m bench --timeout 7200 $(wildcard bench) tests $(ARGS) || [ $$? -eq 5 ]

# Debian's packages that some tests need. Only root can install them; anyone else is told what will be skipped.
system-packages: setup-dev
	@$(BIN)/python -m tools.system_packages

# ---------------------------------------------------------------- packages

.PHONY: wheel constraints clean
wheel: setup-dev console ## dist/: wheel and source distribution, with the built console inside
	@rm -rf dist
	$(BIN)/hatchling build -t wheel -t sdist

constraints: ## bring constraints.txt up to the newest versions that pyproject.toml allows
	@rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet hatchling editables packaging
	build/constraints/bin/python -m pip install --quiet --no-build-isolation --editable '.[dev]'
	build/constraints/bin/python -m tools.constraints --write
	@rm -rf build/constraints

clean: ## everything that was built, installed or measured here
	rm -rf $(VENV) dist build site test-results .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf console/node_modules tests/oracle/node_modules tests/azurite/node_modules console/dist src/vedette/console_assets
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
