# Every target prepares .venv first, once, and again only when the locks or pyproject.toml change.
# PYTHON=... chooses the interpreter, UV= (empty) installs with pip even where uv is there.

SHELL := /bin/bash

# The first that runs and is of a supported version: a name on the path may be a dead shim.
FITS := import sys; print(sys.executable); sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	path=$$($$name -c '$(FITS)' 2>/dev/null) && echo "$$path" && break; done)
UV ?= $(shell uv --version >/dev/null 2>&1 && echo uv)

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
INSTALL = $(if $(UV),$(UV) pip install --python $(BIN)/python,$(BIN)/python -m pip install)
JOBS ?= 2
# A process that is done takes over tests of the others.
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal
SECONDS ?= 300
DATA ?= ../shared/data
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes \
	$(if $(UPGRADE),--upgrade) pyproject.toml requirements/lock.in

.DEFAULT_GOAL := help
.PHONY: help setup demo test explore lint vulnerabilities dist results results-quick notebooks docs bench bench-peers lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## make .venv with the locked dependencies and this checkout in it

demo: $(READY)  ## train, evaluate and export a pneumonia classifier on drawn images, offline
	$(BIN)/dlmath train pneumonia --data phantom
	$(BIN)/dlmath evaluate
	$(BIN)/dlmath export --format saved_model

test: $(READY)  ## run the quick tests, in JOBS=2 processes
	$(PYTEST)

explore: $(READY)  ## try the properties on new examples, for SECONDS=300
	$(PYTEST) -m "hypothesis and not slow and not real_data" \
		--hypothesis-profile explore --explore-for $(SECONDS)

lint: $(READY)  ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

vulnerabilities: $(READY)  ## ask the package index for known holes in what the locks pin
	$(BIN)/python .ci/known_vulnerabilities.py requirements/{base,dev,export,gpu,serve}.txt

dist: $(READY)  ## build the wheel and the sdist of the last commit, the same bytes every time
	$(BIN)/python .ci/build_distributions.py dist

results: $(READY)  ## train and evaluate all that the tables show, on the real images in DATA=../shared/data
	$(BIN)/python benchmarks/studies/main_results.py $(DATA)
	$(BIN)/python benchmarks/readme_tables.py

results-quick: $(READY)  ## one seed of each of them, into build/results, to compare
	$(BIN)/python benchmarks/studies/main_results.py $(DATA) --quick --out build/results

notebooks: $(READY)  ## execute every notebook from top to bottom
	$(PYTEST) -m notebook tests/notebooks

docs: $(READY)  ## write notebooks, experiments, errata and the other pages to build/docs, readable offline
	$(BIN)/python -m docs.make_pages build/docs

bench: $(READY)  ## run every benchmark that needs nothing else
	@set -e; for file in $(filter-out %/bench_peers.py,$(wildcard benchmarks/speed/bench_*.py)); do \
		echo "$$file"; $(BIN)/python "$$file"; done

bench-peers: $(READY) .venv-peers/ready  ## measure against PyTorch, in an environment of its own (5 GB)
	$(BIN)/python benchmarks/speed/bench_peers.py .venv-peers/bin/python

.venv-peers/ready: requirements/peers.txt
	$(if $(UV),$(UV) venv --quiet --clear --python $(PYTHON) .venv-peers,$(PYTHON) -m venv --clear .venv-peers)
	$(subst $(BIN),.venv-peers/bin,$(INSTALL)) --require-hashes -r $<
	@touch $@

lock:  ## write requirements/*.txt again (needs uv); UPGRADE=1 takes newer versions
	$(COMPILE) --extra dev --output-file requirements/dev.txt
	$(COMPILE) --constraint requirements/dev.txt --output-file requirements/base.txt
	for extra in export gpu serve; do $(COMPILE) --extra $$extra \
		--constraint requirements/dev.txt --output-file requirements/$$extra.txt || exit; done
	$(subst pyproject.toml requirements/lock.in,requirements/peers.in,$(COMPILE)) \
		--output-file requirements/peers.txt

clean:  ## remove .venv and the caches of the tools
	rm -rf $(VENV) .venv-peers build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info

$(READY): pyproject.toml requirements/dev.txt | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements/dev.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "dlmath needs Python 3.11, 3.12 or 3.13, and none of python3.13," \
		"python3.12, python3.11, python3, python is one. Received: PATH=$$PATH." \
		"Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 2; }
	$(if $(UV),$(UV) venv --quiet --clear --python $(PYTHON) $(VENV),$(PYTHON) -m venv --clear $(VENV))
