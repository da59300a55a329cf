# Every target does its own set-up: a virtual environment in .venv, with exactly the versions in constraints.txt.
.DEFAULT_GOAL := help
.PHONY: help quickstart test test-all lint types bench peers schema docs clean

# The first of these that runs and is new enough. `make PYTHON=/path/to/python3.11 ...` to choose another.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
# A file of tests stays in one process, so that what it shares is made once. Each process takes up to 2 GB.
PARALLEL := --numprocesses logical --maxprocesses 4 --dist loadfile
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

quickstart: .venv/toolkit.stamp  ## Compress a review classifier from start to finish (10 to 40 minutes on two cores)
	$(BIN)/compressor run recipes/quickstart.yaml

test: .venv/dev.stamp  ## Lint, types and tests: what CI runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -m "not slow" $(PARALLEL)

test-all: .venv/dev.stamp  ## Every test, whole runs of all shipped recipes too (much longer)
	$(BIN)/pytest $(PARALLEL)

lint: .venv/dev.stamp  ## Mend style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: .venv/dev.stamp  ## Check types
	$(BIN)/mypy

# Their times are kept in .benchmarks/: compare runs of one machine with `pytest-benchmark compare`. make bench
# AGAINST=DIR also tells whether runs/quickstart/bundle is worse than that bundle.
bench: .venv/dev.stamp  ## Benchmarks: latency, a regression gate, graphs without surprises (a few minutes)
	$(BIN)/pytest benchmarks --benchmark-enable --benchmark-autosave \
		$(if $(wildcard runs/quickstart/bundle),--bundle runs/quickstart/bundle) $(if $(AGAINST),--against $(AGAINST))

# The first run makes an environment for each toolkit in build/peers (about 7 GB). Let nothing else run.
peers: .venv/dev.stamp  ## Other toolkits beside ours: make peers CHECKPOINT=DIR TEST=test.csv TRAIN=train.csv (hours)
	$(BIN)/python -m benchmarks.peers $(or $(CHECKPOINT),--tiny) --work build/peers $(if $(STUDENT),--student $(STUDENT)) \
		$(if $(TEST),--test $(TEST)) $(if $(TRAIN),--train $(TRAIN)) --json build/peers/peers.json

schema: .venv/toolkit.stamp  ## Write recipes/schema.json afresh
	$(BIN)/compressor schema > recipes/schema.json.new
	mv recipes/schema.json.new recipes/schema.json

docs: .venv/docs.stamp  ## Build the documentation as a site: build/site/index.html
	$(BIN)/mkdocs build --strict --quiet

clean:  ## Remove the environment and caches; runs/ stays
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment with the extra `dev` serves the toolkit's targets too.
.venv/toolkit.stamp: pyproject.toml constraints.txt | .venv/bin/pip
	@echo "Installing into .venv (about 2 GB, a minute or more) ..."
	@$(INSTALL) -e '.[toolkit]'
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/pip
	@echo "Installing into .venv (about 2 GB, a minute or more) ..."
	@$(INSTALL) -e '.[dev]'
	@touch .venv/toolkit.stamp $@

.venv/docs.stamp: pyproject.toml constraints.txt | .venv/bin/pip
	@$(INSTALL) mkdocs-material
	@touch $@

.venv/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found. Install it, or name it:" \
		"make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) can't make virtual environments." \
		"On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
