# `make study` runs the main job on this machine; `make test` runs every check.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Boards on a live disk are imitated in real time: their tests want the cores alone.
ALONE := tests/measure/devices/test_transport.py

.PHONY: venv study test lint types imports check bench reference clean

venv: $(STAMP)

$(STAMP): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

study: venv
	$(BIN)/python -m studies run quickstart || test $$? -eq 3

lint: venv
	$(BIN)/black --check --quiet . || { $(BIN)/black --check .; exit 1; }
	$(BIN)/isort --check-only .
	$(BIN)/flake8
	$(BIN)/codespell
	$(BIN)/interrogate --quiet -c setup.cfg measure perfmodel studies

types: venv
	$(BIN)/mypy -p measure -p perfmodel -p studies

imports: venv
	$(BIN)/lint-imports setup.cfg

test: lint types imports
	$(BIN)/python -m pytest -q $(ALONE)
	$(BIN)/python -m pytest -q -n auto --dist loadfile --ignore $(ALONE)

reference: venv
	$(BIN)/python docs/make_reference.py

bench: venv
	@for folder in sweep store boards designs modelling transfer simulator; do \
	    $(BIN)/python -m benchmarks.$$folder || exit 1; done

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
