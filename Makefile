# wengert: one command each. Needs Python 3.11 or newer and make; all else goes into .venv.

# The first interpreter that is new enough; override with `make PYTHON=/path/to/python test`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
PY   := $(VENV)/bin/python
PIP  := $(PY) -m pip -qq --disable-pip-version-check
JOBS ?= auto
# Extra arguments: `make test ARGS="-k jvp -x"`, `make bench ARGS=import_time`.
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test fuzz check fix bench clean

help: ## this list
	@echo "wengert: derivatives as formulas, as programs and as numbers"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/.has-run ## set up and show what wengert does
	@$(PY) -m wengert demo

test: $(VENV)/.has-dev ## run all tests, and every example in the docstrings
	@$(PY) -m pytest -n $(JOBS) --maxprocesses 8 --dist worksteal $(ARGS)

# A run that fails prints its seed: make fuzz SEED=that.
SEED ?= $(shell date +%s)

fuzz: $(VENV)/.has-dev ## capture 4,000 fresh random programs
	@echo "SEED=$(SEED)"
	@WENGERT_FUZZ=2000 WENGERT_FUZZ_SEED=$(SEED) $(PY) -m pytest tests/fuzz $(ARGS)

check: $(VENV)/.has-dev ## lint, format, types, import directions
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m pytest tests/test_layers.py

fix: $(VENV)/.has-dev ## let ruff mend and format what it can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: $(VENV)/.has-bench ## install the peers and run the benchmarks
	@$(PY) benchmarks/run.py $(ARGS)

venv: $(VENV)/.has-dev ## only set up .venv, for work on wengert itself
	@echo "ready: $(VENV)/bin/python"

clean: ## remove .venv and every cache
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The link .venv/bin/python dangles when its interpreter is removed; make then builds the venv anew.
$(PY):
	@if [ -z "$(PYTHON)" ]; then \
	  echo "wengert needs Python 3.11 or newer and found none; try: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
	  exit 1; fi
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  echo "wengert needs Python 3.11 or newer, which $(PYTHON) is not" >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "$(PYTHON) has no venv module; on Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; fi
	@echo "setting up $(VENV) with `$(PYTHON) --version`"
	@$(PYTHON) -m venv --clear $(VENV)

# One stamp per set of packages; pip runs again only when pyproject.toml has changed.
$(VENV)/.has-run: pyproject.toml $(PY)
	@echo "installing wengert"
	@$(PIP) install -e .
	@touch $@

$(VENV)/.has-dev: pyproject.toml $(PY)
	@echo "installing wengert and the tools to work on it"
	@$(PIP) install -e '.[dev]'
	@touch $@ $(VENV)/.has-run

$(VENV)/.has-bench: pyproject.toml $(PY)
	@echo "installing wengert and the peers it is measured against"
	@$(PIP) install -e '.[bench]'
	@touch $@ $(VENV)/.has-run
