# Every target stands on the environment in .venv, made from requirements.lock.
PYTHON ?= python3
BIN := .venv/bin
UV := .venv/uv/bin/uv
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install lock demo test check lint types layers docs system test-data test-pg15 clients fuzz profiles-check audit-dependencies soak bench clean

help: ## Show the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: .venv/installed ## Make .venv from the lock file (touches nothing outside this folder but package caches)

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) scripts/install.py
	@touch $@

lock: ## Resolve the dependencies anew into requirements.lock
	@$(PYTHON) scripts/install.py --lock

demo: .venv/installed ## Play one patient's story across a consortium (ARGS=--exit ends the server afterwards)
	@$(BIN)/gateway demo $(ARGS)

check: lint types layers ## Style, types and layers

lint: .venv/installed ## Style (ruff)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/installed ## Types (mypy --strict)
	$(BIN)/mypy

layers: .venv/installed ## Imports only downwards (import-linter)
	$(BIN)/lint-imports

test: .venv/installed check clients ## Everything: checks and all tests, on SQLite and PostgreSQL
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

test-pg15: .venv/installed ## The tests that need PostgreSQL, on Debian's PostgreSQL 15
	$(BIN)/python -m scripts.test_pg15 $(ARGS)

clean: ## Remove the environment and the demo's data
	rm -rf .venv data build *.egg-info .pytest_cache .mypy_cache .ruff_cache

docs: .venv/installed ## Write docs/errors.md and docs/settings.md from the code
	$(BIN)/python -m scripts.write_docs

system: ## Install what only the system can give: Chromium, Chinese fonts, MariaDB for tests (needs root, Debian)
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-noto-cjk mariadb-server

test-data: .venv/installed ## Fetch the official R4 examples and FHIRPath test cases into test-data/
	$(BIN)/python scripts/fetch_test_data.py

clients: tests/clients/node/node_modules/.package-lock.json ## Fetch the clients of the npm registry that the API is tested with

tests/clients/node/node_modules/.package-lock.json: tests/clients/node/package-lock.json
	@if command -v npm >/dev/null; then cd tests/clients/node && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json; \
	else echo "npm is not here; the tests of its clients are skipped"; fi

fuzz: .venv/installed ## Fuzz readers, validator and entrances for ten minutes
	$(BIN)/python -m tests.fuzz.readers
	$(BIN)/pytest tests/fuzz -q -p no:cacheprovider --timeout 1800 $(ARGS)

profiles-check: .venv/installed ## Validate every profile, value set and example with ourselves
	$(BIN)/gateway profiles check

audit-dependencies: .venv/installed ## Compare the lock file with the known vulnerabilities (says so where it cannot)
	$(BIN)/python -m scripts.audit_dependencies

soak: .venv/installed ## Kill the server at random under load and count what is there
	$(BIN)/pytest tests/soak -q -p no:cacheprovider --timeout 3600 $(ARGS)

bench: .venv/installed ## Run the benchmarks and print their ratios
	$(BIN)/python -m benchmarks.run $(ARGS)
