# Every target works on a fresh machine with Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo test test-slow lint types check bench docs clean

install: $(STAMP)

# uv resolves in seconds what pip alone takes minutes for.
$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[all,dev]'
	touch $@

demo: install
	$(BIN)/python -m planner.app.demo demo

test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile

test-slow: install
	$(BIN)/python -m pytest -q -m slow

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: install
	$(BIN)/mypy

check: lint types test

bench: install
	$(BIN)/tomoplan bench all --output bench

docs: install
	$(BIN)/python -m toolbox.catalogue

clean:
	rm -rf $(VENV) demo bench .pytest_cache .mypy_cache .ruff_cache
