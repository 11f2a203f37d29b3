# Every verb of the project. CI calls the same ones.
#   VENV=dir        another virtual environment      PYTHON=python3.12   another interpreter
#   DB=mariadb          MariaDB in place of MySQL
#   ARGS='-k name'  more words for pytest, the bench or `stack-down` (--wipe)

VENV ?= .venv
ARGS ?=
DB ?=
MINUTES ?= 5
SEED ?=
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo $$name; break; }; done)
endif

BIN := $(VENV)/bin
STACK = $(PYTHON) -m deploy.stack $(if $(DB),--db $(DB))
PIP = $(BIN)/python -m pip install -q --disable-pip-version-check -c requirements/constraints.txt
# Without these variables the service is the embedded one: SQLite, no Redis, no Kafka.
EMBEDDED := env -u DATABASE_URL -u DATABASE_OWNER_URL -u DATABASE_REPLICA_URL -u REDIS_URL \
	-u KAFKA_BOOTSTRAP_SERVERS -u DATABASE_ERASER_URL -u DATABASE_REAPER_URL \
	-u DATABASE_READONLY_URL
PYTEST = $(BIN)/python -m pytest
FAST := $(wildcard tests/unit tests/architecture)
WITHOUT_STACK := $(wildcard tests/unit tests/architecture tests/integration tests/embedded tests/e2e \
	tests/browser)
# Commands that only look at the code need some secret and some database, not kept ones.
MANAGE = $(EMBEDDED) ALLOW_EPHEMERAL_SECRET_KEY=yes DATABASE_URL=sqlite://:memory: \
	$(BIN)/python manage.py

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

.PHONY: help run manage setup setup-full setup-browser test test-unit test-embedded test-integration \
	test-e2e test-stress chaos mutants mutation-score cov check lint fmt types schema screenshots bench bench-pages profile \
	stack-install stack-up stack-status stack-down stack-run clean require-python

help: ## Show the verbs
	@grep -hE '^[a-z0-9-]+:.*## ' $(firstword $(MAKEFILE_LIST)) \
		| awk -F':.*## ' '{ printf "  %-17s %s\n", $$1, $$2 }'

run: setup ## Run the embedded service: nothing but Python (PORT, WALLET_HOME)
	@exec $(BIN)/python -m deploy.embedded

manage: setup ## Run a management command on the data of `run` (ARGS="verify_ledger", WALLET_HOME)
	@home=$${WALLET_HOME:-var}; test -e "$$home/secret-key" \
		|| { echo "error: there is no service in $$home yet: make run" >&2; exit 1; }; \
	$(EMBEDDED) WALLET_HOME="$$home" SECRET_KEY_FILE="$$home/secret-key" $(BIN)/python manage.py $(ARGS)

setup: $(VENV)/.embedded ## Make .venv with what `run` needs

setup-full: $(VENV)/.full ## Make .venv with everything: MySQL's driver, tests, linters

setup-browser: setup-full ## Install the browser that tests of the back office drive
	@$(STACK) install --only browser

test: setup-browser ## Run all tests on MySQL (or DB=mariadb), Redis and Kafka
	@$(STACK) run -- $(PYTEST) $(ARGS)

test-unit: setup-full ## Run the tests that need nothing
	@$(EMBEDDED) $(PYTEST) $(FAST) $(ARGS)

test-embedded: setup-browser ## Run the tests on SQLite, without Redis and Kafka
	@$(EMBEDDED) $(PYTEST) $(WITHOUT_STACK) -m "not full_stack" $(ARGS)

test-integration: setup-full ## Run tests/integration on the real parts
	@$(STACK) run -- $(PYTEST) tests/integration $(ARGS)

test-e2e: setup-full ## Run tests/e2e on the real parts
	@$(STACK) run -- $(PYTEST) tests/e2e $(ARGS)

test-stress: setup-full ## Run tests/stress on the real parts
	@$(STACK) run -- $(PYTEST) tests/stress $(ARGS)

chaos: setup-full ## Break everything while money moves (MINUTES=5, SEED=…, ARGS=--short, --write)
	@$(STACK) run -- $(BIN)/python -m tests.chaos --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGS)

mutants: setup-full ## Make ten costly mistakes in a copy; each must turn red (ARGS=--write)
	@$(STACK) run -- $(BIN)/python -m tests.mutants $(ARGS)

mutation-score: setup-full ## Change the pure parts of the code bit by bit; how many are noticed
	@$(EMBEDDED) $(BIN)/python -m tests.mutants.score $(ARGS)

cov: setup-browser ## Run all tests with coverage; the report is htmlcov/index.html
	@$(STACK) run -- $(PYTEST) --cov --cov-report=term --cov-report=html $(ARGS)

check: lint types test-unit ## Look at style, types, imports, migrations; run the fast tests

lint: setup-full ## Check style, format, imports, forgotten migrations and schemas
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) export_event_schemas --check

fmt: setup-full ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup-full ## Check types
	$(EMBEDDED) $(BIN)/mypy

schema: setup-full ## Write docs/openapi.yaml and the events' schemas in docs/events
	$(MANAGE) spectacular --validate --file docs/openapi.yaml
	$(MANAGE) export_event_schemas

screenshots: setup-browser ## Draw the pictures of docs/screenshots from made-up data
	@$(EMBEDDED) $(BIN)/python -m tests.browser.screenshots $(ARGS)

bench-pages: setup-full ## Time the back office's pages on large books (ARGS='--sizes 10k,1m,10m')
	@$(STACK) run -- $(BIN)/python -m tests.bench.pages $(ARGS)

bench: setup-full ## Measure the service on the real parts (ARGS=--quick, --growth 10k,1m, --help)
	@$(STACK) run -- $(BIN)/python -m tests.bench $(ARGS)

profile: setup-full ## Draw flame graphs of its processes under load, into var/profile
	@$(STACK) run -- $(BIN)/python -m tests.bench.flames $(ARGS)

stack-install: require-python ## Install MySQL (or DB=mariadb), Redis and Kafka
	@$(STACK) install

stack-up: require-python ## Install and start MySQL (primary, replica), Redis and Kafka
	@$(STACK) up

stack-status: require-python ## Show how they are
	@$(STACK) status

stack-down: require-python ## Stop them (ARGS=--wipe removes the data)
	@$(STACK) down $(ARGS)

stack-run: setup-full ## Run the full service on them, as in production but on one machine
	@$(STACK) up
	@exec $(STACK) run -- $(BIN)/python -m deploy.full

clean: ## Remove caches and reports; keeps .venv and the data
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis htmlcov .coverage
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

require-python:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: Python 3.11 or newer is needed (found: $$($(or $(PYTHON),python3) --version 2>&1))." \
		"Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }

# A venv whose making was cut short has no pip and is made again.
define make_venv
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: this Python cannot make" \
		"virtual environments. On Debian or Ubuntu run as root: apt-get install -y" \
		"$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; \
		exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
endef

$(VENV)/.embedded: requirements/embedded.txt requirements/constraints.txt | require-python
	$(make_venv)
	@echo "installing requirements into $(VENV) (half a minute) ..." >&2
	@$(PIP) -r requirements/embedded.txt
	@touch $@

$(VENV)/.full: requirements.txt requirements/embedded.txt requirements/dev.txt \
		requirements/constraints.txt | require-python
	@$(STACK) install --only build
	$(make_venv)
	@echo "installing all requirements into $(VENV) (a minute or two) ..." >&2
	@$(PIP) -r requirements.txt -r requirements/dev.txt
	@touch $(VENV)/.embedded $@
