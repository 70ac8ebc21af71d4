# Everything runs in .venv, which is made anew whenever requirements.lock changes.

PYTHON ?= python3
UV     := uv==0.13.9
VENV   := .venv
BIN    := $(VENV)/bin
LOCKED := $(VENV)/locked.stamp
READY  := $(VENV)/ready.stamp
EDITOR := tests/editor/node_modules/.package-lock.json
PIP    := -m pip --disable-pip-version-check --no-input install --quiet
BENCHMARKS := apply options downgrade scale reads startup validate
INSIDE := PATH="$(CURDIR)/$(BIN):$$PATH"

define CHECK_PYTHON
import sys
if sys.version_info < (3, 11):
    sys.exit("migrate-spec needs Python 3.11 or newer, and $(PYTHON) is %d.%d; try make PYTHON=python3.12" % sys.version_info[:2])
endef
export CHECK_PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup demo test docs bench bench-all fuzz faults model audit lock clean

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile

setup: $(READY) $(EDITOR) ## make .venv; demo and test do so themselves

demo: $(READY) ## migrate a small database, there and back
	@$(INSIDE) examples/meridian/demo.sh

test: $(READY) $(EDITOR) ## run all checks; the first failure ends it
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(INSIDE) $(BIN)/pytest --numprocesses 2 --dist worksteal

docs: $(READY) ## rewrite the generated pages: those of docs/, parts of the README, the schema for editors
	@$(BIN)/python -m docs.generate
	@$(BIN)/migrate-spec schema

bench: $(READY) ## measure apply against what one would write by hand, in Python and in C++
	@$(BIN)/python -m benchmarks.apply

bench-all: $(READY) ## measure all there is to measure (half an hour), and rewrite docs/performance.md
	@$(foreach name,$(BENCHMARKS),$(BIN)/python -m benchmarks.$(name) --json benchmarks/results/$(name).json &&) true
	@$(BIN)/python -m benchmarks.report

fuzz: $(READY) ## look for ten minutes each for specs and records that break the reader and the operations
	@$(BIN)/python $(PIP) atheris==3.0.0
	@$(BIN)/python -m tests.fuzz.run 600

faults: $(READY) ## end, or fail, each command where it calls the system to change a file; lose power there (an hour)
	@PYTHONPATH=examples $(BIN)/python -m tests.faults.run points
	@PYTHONPATH=examples $(BIN)/python -m tests.faults.run kills 25
	@PYTHONPATH=examples $(BIN)/python -m tests.faults.run power

model: $(READY) ## compare a database with a model of it for an hour, under random calls and crashes
	@PYTHONPATH=examples $(BIN)/python -m tests.faults.run model 3600

audit: ## ask the network for known faults of the dependencies, which CI cannot
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python $(PIP) pip-audit==2.10.1
	@$(VENV)/audit/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --progress-spinner off

lock: ## resolve pyproject.toml into requirements.lock; with UPGRADE=--upgrade to the newest releases
	@$(PYTHON) -c "$$CHECK_PYTHON"
	@$(PYTHON) -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python $(PIP) $(UV)
	@$(VENV)/lock/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	    --only-binary :all: --custom-compile-command "make lock" --output-file requirements.lock --quiet $(UPGRADE)

clean: ## remove all that the others made
	rm -rf $(VENV) benchmarks/cpp/build tests/editor/node_modules .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(LOCKED): requirements.lock
	@$(PYTHON) -c "$$CHECK_PYTHON"
	@echo "Installing requirements.lock into $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python $(PIP) --require-hashes --only-binary :all: --requirement requirements.lock
	@touch $@

# The server of VS Code's YAML extension, for tests/test_editor.py, which is skipped where there is no node.
$(EDITOR): tests/editor/package.json tests/editor/package-lock.json
	@if command -v npm > /dev/null; then npm ci --loglevel=error --prefix tests/editor > /dev/null && touch $@; fi

$(READY): pyproject.toml $(LOCKED)
	@$(BIN)/python $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
