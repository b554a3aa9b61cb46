# Two commands do everything on a fresh machine: `make demo` and `make test`. Python 3.11 or newer and make are enough.

VENV := .venv
BIN := $(VENV)/bin
FLOOR := .venv-floor
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help env hooks demo test quick floor lint types docs words format architecture screenshots bench reliability release wheelhouse browser postgis office clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.siting-%: pyproject.toml scripts/environment.sh
	@sh scripts/environment.sh $(VENV) $*
	@touch $@

$(FLOOR)/.siting-floor: pyproject.toml scripts/environment.sh scripts/floor.py
	@sh scripts/environment.sh $(FLOOR) floor
	@touch $@

env: $(VENV)/.siting-dev ## the environment for development, with tests, lint and docs

hooks: $(VENV)/.siting-dev ## style and types of what changes, checked by git before each commit
	$(BIN)/pre-commit install

demo: $(VENV)/.siting-run ## build the environment and run the main job on the sample district, into siting-demo/
	$(BIN)/siting demo --out siting-demo

test: $(VENV)/.siting-test browser postgis office ## build what the tests need, and run them all
	$(BIN)/python -m pytest -n 2 --dist worksteal

quick: $(VENV)/.siting-lint ## style, types, and the tests that are fast: before each commit
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow"

floor: $(FLOOR)/.siting-floor ## the fast tests with the lowest versions that pyproject.toml allows, in an environment of their own
	@# Old packages say among themselves what they will drop; what their users would see stays an error.
	NUMBA_CACHE_DIR=$(CURDIR)/$(FLOOR)/numba $(FLOOR)/bin/python -m pytest -q -n 2 --dist worksteal -m "not slow" \
		-W ignore::DeprecationWarning -p no:cacheprovider

browser: ## a headless Chromium and Chinese fonts from Debian, for the tests of maps and reports
	@sh scripts/browser.sh

postgis: ## PostgreSQL with PostGIS from Debian, for the tests of databases
	@sh scripts/postgis.sh

office: ## LibreOffice from Debian, for the tests of what is handed in
	@sh scripts/office.sh

lint: $(VENV)/.siting-lint ## style of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.siting-lint ## types of the library
	$(BIN)/mypy

docs: $(VENV)/.siting-docs ## the documentation, into docs/_build/html, and in Chinese into docs/_build/html/zh
	rm -rf docs/_build/notebooks
	$(BIN)/python -m sphinx -W --keep-going -q -b html -d docs/_build/doctrees docs docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -b html -d docs/_build/doctrees_zh -t zh docs docs/_build/html/zh

words: $(VENV)/.siting-docs ## the messages of docs/locale anew, after a page has changed: what is empty there wants Chinese words
	$(BIN)/python docs/chinese.py

format: $(VENV)/.siting-lint ## bring the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

architecture: $(VENV)/.siting-test ## the picture of the rooms in docs/architecture.md, anew
	$(BIN)/python scripts/architecture.py

screenshots: $(VENV)/.siting-test browser ## the pictures of the README, anew
	$(BIN)/python scripts/screenshots.py

bench: $(VENV)/.siting-bench ## measure against the peers, which takes long, and write the table into docs/methods
	$(BIN)/python -m benchmarks --size full --out docs/methods/_benchmarks.md

reliability: $(VENV)/.siting-test browser ## try the promises of docs/reliability.md many times, which takes hours, and write the figures into it
	$(BIN)/python scripts/reliability.py

release: $(VENV)/.siting-test ## build and try what is published: wheel and sdist into dist/, the demo run from the wheel alone
	$(BIN)/python scripts/release.py

wheelhouse: $(VENV)/.siting-test ## the wheels of siting and all it needs, for machines without a network, into dist/wheelhouse
	$(BIN)/python scripts/wheelhouse.py

clean: ## remove what was built
	rm -rf $(VENV) $(FLOOR) build dist docs/_build docs/reference/generated siting-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
