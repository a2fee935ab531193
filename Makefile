# Everything a user or a developer types. `make sweep` and `make test` work on a machine that has only Python >= 3.11.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SPACE ?= space/finetune.yaml

.PHONY: sweep report test check slow chaos clean

sweep: $(VENV)/installed       ## run the shipped sweep; go on with it if it was interrupted, show it if it is done
	@if [ -f runs/finetune/trials.jsonl ] && [ "$(SPACE)" = space/finetune.yaml ]; then \
		$(BIN)/python -m sweeper resume runs/finetune; \
	else \
		$(BIN)/python -m sweeper run $(SPACE); \
	fi

report: $(VENV)/installed      ## write the report of the newest run
	$(BIN)/python -m analysis report

test: $(VENV)/installed-dev    ## the test suite, minutes
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/installed-dev   ## lint, types, import rules: what CI runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

slow: $(VENV)/installed-dev    ## the long tests
	$(BIN)/python -m pytest -m slow

chaos: $(VENV)/installed-dev   ## kill, fill and damage, in the numbers of docs/reliability.md: an hour and more
	$(BIN)/python -m pytest -m chaos --timeout 0 --durations 0

$(VENV)/installed: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

clean:                         ## remove what make has made (runs and the store stay)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
