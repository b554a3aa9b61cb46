# Two commands do everything on a fresh machine: `make demo` and `make test`. Python 3.11 or newer and make are enough.

VENV := .venv
BIN := $(VENV)/bin
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help env demo test lint types docs format screenshots bench browser clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.siting-%: pyproject.toml scripts/environment.sh
	@sh scripts/environment.sh $(VENV) $*
	@touch $@

env: $(VENV)/.siting-dev ## the environment for development, with tests, lint and docs

demo: $(VENV)/.siting-run ## build the environment and run the main job on the sample district, into siting-demo/
	$(BIN)/siting demo --out siting-demo

test: $(VENV)/.siting-test browser ## build what the tests need, and run them all
	$(BIN)/python -m pytest -n 2 --dist loadfile

browser: ## a headless Chromium and Chinese fonts from Debian, for the tests of maps and reports
	@sh scripts/browser.sh

lint: $(VENV)/.siting-lint ## style of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.siting-lint ## types of the library
	$(BIN)/mypy

docs: $(VENV)/.siting-docs ## the documentation, into docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

format: $(VENV)/.siting-lint ## bring the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: $(VENV)/.siting-test browser ## the pictures of the README, anew
	$(BIN)/python scripts/screenshots.py

bench: $(VENV)/.siting-bench ## measure against the peers, which takes long, and write the table into docs/methods
	$(BIN)/python -m benchmarks --size full --out docs/methods/_benchmarks.md

clean: ## remove what was built
	rm -rf $(VENV) build dist docs/_build docs/reference/generated siting-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
