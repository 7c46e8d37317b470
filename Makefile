# Two commands do everything on a fresh machine with Python 3.11+, git and make: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
SETUP := setuptools wheel
KIND ?= not long and not slow

.PHONY: help demo up install dev test unit slow long pictures crash-grid bench lint types layers format lock clean

help:  ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: install  ## One idea to one release on this machine, with no key
	@$(BIN)/shipline demo

up: install  ## Start the local stack; Ctrl-C ends it
	@$(BIN)/shipline up

install: $(VENV)/.installed  ## Install what running needs

dev: $(VENV)/.dev  ## Install what developing needs too

test: dev lint types layers  ## Everything that must hold (KIND='not long': what CI runs)
	$(BIN)/python -m pytest -n 3 -m '$(KIND)'

unit: dev  ## The tests without I/O: seconds
	$(BIN)/python -m pytest tests/unit -q

pictures: dev  ## Make docs/pictures anew: the console in Chromium, led from an idea to a release
	SHIPLINE_PICTURES=docs/pictures $(BIN)/python -m pytest tests/e2e/test_console.py -m slow -k 'not killed'

bench: dev  ## Measure what Shipline costs, beside baselines (an hour); benchmarks/results/latest.json
	$(BIN)/python -m benchmarks

slow: dev  ## Deliveries under a person's hand and under faults; CI runs them with make test
	$(BIN)/python -m pytest -n 3 -m 'slow and not long'

long: dev  ## The exercises that take minutes each, such as two workers on one run
	$(BIN)/python -m pytest -n 2 -m long

crash-grid: dev  ## Kill a delivery at every effect and at random times (an hour)
	$(BIN)/python -m tests.crash

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev
	$(BIN)/mypy

layers: dev
	$(BIN)/lint-imports --no-logo

format: dev  ## Write the format that lint asks for
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A stamp is touched last, so that an install cut off half-way is begun anew and not trusted.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Shipline needs Python 3.11 or newer; set PYTHON=..."; exit 2; }
	@echo "Installing into $(VENV) (the first time takes a minute) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install $(SETUP)
	@$(PIP) install --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing what developing needs ..."
	@$(PIP) install --requirement requirements-dev.lock
	@touch $@

lock:  ## Resolve the dependencies anew and write both locks
	@$(PYTHON) -m venv --clear $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip -qq install $(SETUP)
	@$(VENV)-lock/bin/python -m pip -qq install --no-build-isolation --editable .
	@$(VENV)-lock/bin/python .ci/lock.py requirements.lock
	@$(VENV)-lock/bin/python -m pip -qq install --no-build-isolation --editable '.[dev]'
	@$(VENV)-lock/bin/python .ci/lock.py requirements-dev.lock
	@rm -rf $(VENV)-lock

clean:  ## Remove what was installed and cached here (not ~/.shipline)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
