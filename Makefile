# The verbs: run · demo · test · lint · bench · services. Everything needs Python 3.11, pip and make, nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: run demo test lint format bench services stop-services clean messages
.DEFAULT_GOAL := run

# A stamp a kind of installation, so that `make run` does not pull in what only the tests need.
$(VENV)/.run: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Atrium needs Python 3.11 or newer; this is %d.%d. Name another: make run PYTHON=python3.11" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Atrium into $(VENV) (the first time this takes a minute or two) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Atrium and its test tools into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.run

run: $(VENV)/.run  ## start the platform: web server, worker and beat; Ctrl-C stops everything
	@exec $(BIN)/python manage.py up

demo: $(VENV)/.run  ## walk the whole way over the REST API of the running platform
	@$(BIN)/python manage.py demo

test: $(VENV)/.dev  ## the whole suite: embedded, then PostgreSQL and Redis where they can be had
	@$(BIN)/python tests/suite.py

lint: $(VENV)/.dev  ## style, types, import contracts, templates, migrations, deployment check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/python manage.py makemigrations --check --dry-run
	ATRIUM_HTTPS=1 $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## every claim about speed, as ratios taken in one run
	@for script in bench/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

services: $(VENV)/.run  ## start PostgreSQL and Redis (docker compose where there is an engine, else Debian's packages)
	@$(BIN)/python tests/services.py start

messages: $(VENV)/.dev  ## collect and compile the translations (needs gettext)
	$(BIN)/python manage.py messages

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
