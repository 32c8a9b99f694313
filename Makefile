# Every target sets up what it needs from a fresh clone: system library, virtual environment, pinned packages.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help dev demo test test-slow lint format bench vectors lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

dev: $(READY) ## the virtual environment with all packages

demo: $(READY) ## issue, forge and verify licences over HTTP, print the tables; in a terminal it then serves until Ctrl-C
	@if [ -t 0 ]; then $(BIN)/tongban demo; else $(BIN)/tongban demo --once; fi

test: $(READY) ## the tests (under 8 minutes on 2 cores)
	@scripts/test-packages
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow"

test-slow: $(READY) ## the long suites
	@scripts/test-packages
	@$(BIN)/python -m pytest -q -n 2 -m slow

lint: $(READY) ## linter, formatter, spelling, types, import contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/codespell
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

format: $(READY) ## let the formatter write
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

bench: $(READY) ## the benchmarks
	@$(BIN)/tongban bench verify || test $$? = 1  # a goal that is missed is reported, and no failure

vectors: $(READY) ## write generated test vectors and tables anew; `git diff --exit-code` must stay silent
	@$(BIN)/python -m tests.vectors.build_sm2
	@$(BIN)/python -m tests.vectors.build_tlog
	@$(BIN)/python -m tests.vectors.build_adapter_systems
	@$(BIN)/python -m tests.support.conformance
	@$(BIN)/python -m tests.support.metrics_page

lock: $(READY) ## pin the newest packages that are at least a week old
	@$(BIN)/python -m pip install --quiet uv
	@week_ago=$$(date -u -d '7 days ago' +%Y-%m-%d); for extra in "" "-dev"; do \
	  $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --exclude-newer $$week_ago \
	    --upgrade $${extra:+--extra dev} pyproject.toml -o requirements$$extra.lock; done; \
	echo "setuptools>=77" | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
	  --exclude-newer $$week_ago --extra postgres --extra telemetry -c requirements-dev.lock pyproject.toml - \
	  -o deploy/container/requirements.lock

$(READY): requirements-dev.lock pyproject.toml scripts/system-packages
	@PYTHON="$(PYTHON)" scripts/system-packages
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the pinned packages into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

clean: ## remove what was made
	rm -rf $(VENV) build dist *.egg-info
