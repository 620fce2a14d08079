# Two commands matter: `make run` starts Guardhouse, `make test` proves it. Everything lives in .venv and .clients.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
ARGS ?=
BIN := .venv/bin
# A first install takes a minute: on a terminal pip shows its progress, elsewhere it is quiet.
QUIET := $(if $(shell [ -t 2 ] && echo terminal),,-q)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input $(QUIET)

# The vendors' own clients that the tests drive; each list in tests/clients/ is whole, and installed into a folder of its
# name.
CLIENTS := $(patsubst tests/clients/requirements-%.txt,%,$(wildcard tests/clients/requirements-*.txt))
NODE_CLIENTS := dd-trace@5.132.0 pangea-node-sdk@5.6.0
NODE_VERSIONS := $(subst $(eval) ,-,$(NODE_CLIENTS))
PEERS := presidio-analyzer==2.2.366 detect-secrets==1.5.0 credsweeper==1.19.5 litellm[proxy]==1.106.2

.PHONY: help run install dev test check lint types coverage bench docs format lock clients peers clean

help:  ## Say what there is.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

run: install  ## Start Guardhouse with its embedded defaults; more options in ARGS="--port 9000".
	@exec $(BIN)/guardhouse serve $(ARGS)

install: .venv/.installed

dev: .venv/.dev

.venv/.created:
	@[ -n "$(PYTHON)" ] && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Guardhouse needs Python 3.11 or newer; name it with: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "This Python cannot make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	"$(PYTHON)" -m venv .venv
	@touch $@

.venv/.installed: .venv/.created requirements.lock pyproject.toml
	@echo "Installing the locked requirements ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.installed requirements-dev.lock
	@echo "Installing the development requirements ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

test: dev clients  ## Run the tests; choose some with ARGS="tests/text -k offsets".
	$(BIN)/pytest $(ARGS)

check: lint types coverage  ## Everything a change must pass: format, lint, types, tests with coverage.

lint: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: dev
	$(BIN)/mypy

coverage: dev clients
	$(BIN)/pytest -n auto --cov --cov-report=term:skip-covered $(ARGS)

format: dev  ## Format the code and mend what the linter can.
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: dev  ## Write the tables in docs/ anew from the code.
	$(BIN)/python docs/generate.py

bench: dev peers  ## Measure speed, size and quality; writes bench/RESULTS.md and the README's figures.
	$(BIN)/python bench/run.py $(ARGS)
	$(BIN)/python docs/generate.py

lock: dev  ## Resolve the requirements anew; UPGRADE=1 takes newer versions.
	$(BIN)/uv pip compile $(LOCK_FLAGS) pyproject.toml requirements.in -o requirements.lock
	$(BIN)/uv pip compile $(LOCK_FLAGS) pyproject.toml requirements.in --extra dev --extra postgres --extra redis --extra otel \
	  --extra ocr \
	  -c requirements.lock -o requirements-dev.lock

LOCK_FLAGS := --quiet --generate-hashes --universal --no-strip-extras --python-version 3.11 --no-header \
  $(if $(UPGRADE),--upgrade)

clients: $(CLIENTS:%=.clients/%/.done) $(if $(shell command -v npm),.clients/node/.done-$(NODE_VERSIONS))

.clients/%/.done: tests/clients/requirements-%.txt | .venv/.dev
	@echo "Installing the client $* ..."
	@rm -rf $(@D)
	@$(PIP) install --no-deps --upgrade --target $(@D) -r $<
	@touch $@

# Without these the Node tests are skipped and say so; a machine without the npm registry can still test the rest.
.clients/node/.done-$(NODE_VERSIONS):
	@echo "Installing $(NODE_CLIENTS) into $(@D) ..."
	@rm -rf $(@D) && mkdir -p $(@D)
	@npm install --no-audit --no-fund --ignore-scripts --loglevel=error --prefix $(@D) $(NODE_CLIENTS) \
	  && touch $@ || echo "npm could not install the Node clients; their tests will be skipped" >&2

peers: .clients/peers/.done  ## Install what `make bench` measures beside Guardhouse.

.clients/peers/.done: | .venv/.dev
	@echo "Installing $(PEERS) into $(@D) ..."
	@rm -rf $(@D) && "$(PYTHON)" -m venv $(@D)
	@for peer in $(PEERS); do \
	  $(@D)/bin/python -m pip --disable-pip-version-check --no-input -q install "$$peer" \
	    || echo "$$peer could not be installed; its row of the results will say so" >&2; \
	done
	@touch $@

clean:  ## Take away what was built here, but not data/.
	rm -rf .venv .clients .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov dist build
