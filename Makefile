# make site: the board on localhost. make measure: this machine's row. make test: everything CI checks.
# All set up .venv by themselves.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PYTHON_312 ?= $(shell for p in python3.12 $$HOME/.pyenv/versions/3.12.*/bin/python $$HOME/.local/share/uv/python/cpython-3.12.*/bin/python3.12; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: help site build serve validate check quick measure test lint types unit format chromium benchmark screenshot clean

help:
	@echo "make site       build the site, serve it on localhost, follow your edits"
	@echo "make build      build site/ only"
	@echo "make validate   say everything that is wrong with data/"
	@echo "make check      judge what this checkout adds to the record, as a pull request's check does (ARGS='--base REV')"
	@echo "make quick      run this machine's CPU through the whole protocol in a minute or two"
	@echo "make measure    measure this machine's CPU and file a result (ARGS='--submitter NAME')"
	@echo "make test       format, lint, types, tests, links, browser: what CI runs"
	@echo "make format     let ruff format the code"
	@echo "make benchmark  build time, memory, page weight and Lighthouse's scores at many rows; the CPU's decode step"
	@echo "make clean      remove what was built; the next build starts cold"

site: build serve

build: $(VENV)/site.ready
	@$(RUN) -m generator build

serve: $(VENV)/site.ready
	@$(RUN) -m generator serve

validate: $(VENV)/site.ready
	@$(RUN) -m generator validate

check: $(VENV)/site.ready
	@$(RUN) -m generator check-submission $(ARGS)

quick: $(VENV)/site.ready
	@$(RUN) -m runners.cpu --quick $(ARGS)

measure: $(VENV)/site.ready
	@$(RUN) -m runners.cpu $(ARGS)

test: lint types unit

lint: $(VENV)/test.ready
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .

types: $(VENV)/test.ready
	$(RUN) -m mypy

unit: $(VENV)/test.ready $(VENV)/pto.ready $(VENV)/skypilot.ready chromium
	$(RUN) -m pytest -n auto

format: $(VENV)/test.ready
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

chromium: $(VENV)/test.ready
	@$(RUN) -m tests.browser.chromium

benchmark: $(VENV)/test.ready chromium
	$(RUN) -m tests.benchmarks.build
	$(RUN) -m tests.benchmarks.pages
	$(RUN) -m tests.benchmarks.decode_cpu
	$(RUN) -m tests.benchmarks.submission

screenshot: build chromium
	$(RUN) -m tests.browser.screenshot

clean:
	rm -rf build site

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/site.ready: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/test.ready: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@ $(VENV)/site.ready

# The PTO dialect's verifier is published for CPython 3.12 on Linux alone; without it, its tests are skipped.
$(VENV)/pto.ready: tests/simulators/pto/requirements.txt | $(VENV)/bin/python
	@if test -n "$(PYTHON_312)" && $(PYTHON_312) -m venv $(VENV)/pto && \
		$(VENV)/pto/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<; then touch $@; \
	else echo "No PTO verifier: it wants CPython 3.12 on Linux (PYTHON_312=/path/to/python3.12)"; fi

# SkyPilot's loader, which judges the committed tasks; without it, those tests are skipped.
$(VENV)/skypilot.ready: tests/skypilot/requirements.txt | $(VENV)/bin/python
	@if $(RUN) -m venv $(VENV)/skypilot && \
		$(VENV)/skypilot/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<; then touch $@; \
	else echo "No SkyPilot: its packages could not be installed, so its tests are skipped"; fi
