.DEFAULT_GOAL := help
# The first that is new enough: python3 may be older than 3.11 where a newer one stands beside it.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14 python3; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; done; echo $$python)
VENV := .venv
BIN := $(VENV)/bin
CONTRACT := $(VENV)-contract
EXCHANGES := $(abspath $(CONTRACT)/exchanges.jsonl)
SEED ?= 1
ORDERS ?= 2000
MINUTES ?= 10
PROCESSES ?= roles
# Most of what takes long waits, for blocks and for time to pass: so there are more tests at once than cores.
TESTS_AT_ONCE ?= $(shell $(PYTHON) -c 'import os; print(min(8, 3 * (os.cpu_count() or 1)))')
LANES ?=
RUNS ?= 3
RACES ?= 1000
OCO_TIMES ?= 200
TRAIL_MINUTES ?= 5
DESCRIPTIONS ?=
WITH ?=

# The engine's processes are started hundreds of times by the tests: without bytecode each compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install run unit test browser matrix races oco trails chaos schemathesis descriptions check lock docs docs-assets program bench clean

help: ## show this help
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed ## install what is needed into .venv

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "surefill: Python 3.11 or newer is needed; found $$($(PYTHON) --version 2>&1). Set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "surefill: this Python has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv)"; exit 1; }
	@echo "installing into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --no-index -e .
	@touch $@

run: install ## run the whole engine on PORT (8080) and execute a first order
	@$(BIN)/surefill up --demo

unit: install ## run the tests that need no server
	@$(BIN)/python -m pytest -q tests/unit

test: install ## run every test but the browser's (TESTS_AT_ONCE)
	@# File by file, in the order that tests/conftest.py gives them.
	@$(BIN)/python -m pytest -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder \
	  tests/e2e tests/integration tests/unit

browser: install ## open /docs in a real browser, and pages of elsewhere (needs Chromium)
	@command -v chromium || command -v chromium-browser || command -v google-chrome \
	  || { echo "surefill: Chromium is needed (Debian: apt-get install chromium)"; exit 1; }
	@$(BIN)/python -m pytest -m browser tests/e2e/browser

matrix: install ## kill every role between any two effects (tests/chaos; some minutes)
	@$(BIN)/python -m pytest -n $(TESTS_AT_ONCE) --maxprocesses 4 --dist worksteal tests/chaos

races: install ## cancels and amendments against the prices that trigger (RACES=1000; minutes)
	@RACES=$(RACES) $(BIN)/python -m pytest -q tests/integration/workers/test_races.py

trails: install ## trailing stops under a market that walks, recomputed from its prices (TRAIL_MINUTES=5)
	@MARKET_S=$$(( 60 * $(TRAIL_MINUTES) )) $(BIN)/python -m pytest -q tests/integration/workers/test_trailing_stops.py -k market

chaos: install ## orders under load while everything fails, and a verdict (SEED, ORDERS, MINUTES, PROCESSES, WITH, PLANT)
	@$(BIN)/python -m tests.chaos.storm --seed $(SEED) --orders $(ORDERS) --minutes $(MINUTES) --processes $(PROCESSES) --with "$(WITH)" --plant "$(PLANT)"

schemathesis: install $(CONTRACT)/.installed ## ask a whole engine whatever its OpenAPI document allows, and what it doesn't (MINUTES, SEED)
	@$(BIN)/python -m tests.contract --schemathesis $(CONTRACT)/bin/schemathesis --minutes $(MINUTES) --seed $(SEED)

descriptions: install $(CONTRACT)/.installed ## hold client, local node and stubs against official OpenAPI files (DESCRIPTIONS="folder folder")
	@test -n "$(DESCRIPTIONS)" || { echo 'surefill: say where they are: make descriptions DESCRIPTIONS="folder folder"'; exit 1; }
	@rm -f $(EXCHANGES)
	@$(BIN)/python -m tests.contract.descriptions.solana $(EXCHANGES)
	@EXCHANGES=$(EXCHANGES) $(BIN)/python -m pytest -q -k official_description \
	  tests/integration/workers/test_jupiter_description.py tests/unit/venues/test_remote_feeds.py
	@$(CONTRACT)/bin/python -m tests.contract.descriptions.fits $(EXCHANGES) $(DESCRIPTIONS)

$(CONTRACT)/.installed: tests/contract/requirements.txt
	@$(PYTHON) -m venv $(CONTRACT)
	@$(CONTRACT)/bin/python -m pip --disable-pip-version-check install --quiet -r $<
	@touch $@

check: install ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

oco: install ## both orders of an OCO triggered at once, many times (OCO_TIMES)
	@OCO_TIMES=$(OCO_TIMES) $(BIN)/python -m pytest -q tests/integration/workers/test_order_lists.py -k "triggered_at_once or mid_visit"

bench: install ## measure every lane on an otherwise quiet machine: table, bench/results, docs/bench.svg (LANES, RUNS)
	@$(BIN)/python -m bench --lanes "$(LANES)" --runs $(RUNS) $(if $(LANES),,--docs)

lock: ## renew requirements.lock (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url -o requirements.lock

docs: install ## write docs/order-states.md and the tables of docs/errors.md from the code, docs/schema.md from a migrated database
	@$(BIN)/python -m tests.unit.domain.state_machine --write
	@$(BIN)/python -m tests.unit.api.error_document --write
	@$(BIN)/python -m tests.schema_document

docs-assets: install ## fetch the files of /docs from npm again and check them (needs npm)
	@$(BIN)/python -m api.docs.assets

program: install ## build the local chain's swap program again and compare (needs clang-19)
	@$(BIN)/python -m localnet.program.build

clean: ## remove the virtual environment (the data directory stays)
	rm -rf $(VENV) $(CONTRACT) *.egg-info build
