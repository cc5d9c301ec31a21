# make demo, make test: the two commands of the README. Each builds .venv from the hashed lock when it is missing or stale.
PYTHON ?= python3
BIN := .venv/bin
UV ?= uv
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test install check fmt serve lock benchmark docs sbom audit

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  —/'

demo: .venv/.runtime ## review a sample pull request on this machine, nothing to configure
	$(BIN)/quorum demo --once

# Written bytecode, also where the environment says otherwise: hundreds of processes would compile the same files.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/.dev ## run the tests
	$(BIN)/python -m pytest -n 5 --dist worksteal

install: .venv/.runtime ## build .venv; afterwards the program is .venv/bin/quorum

check: .venv/.dev ## lint, format, types, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

fmt: .venv/.dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

serve: .venv/.runtime ## run the App
	$(BIN)/quorum serve

docs: .venv/.dev ## build the documentation's site in site/html
	$(BIN)/python -m docs.website

benchmark: .venv/.dev ## print the figures of benchmarks/
	$(BIN)/python -m benchmarks

sbom: ## list what is installed (CycloneDX) in sbom.json
	$(PYTHON) scripts/sbom.py >sbom.json

audit: .venv/.dev ## ask for published weaknesses of what is installed
	$(BIN)/python scripts/audit.py

lock: ## renew requirements/ from pyproject.toml (needs uv)
	$(UV) pip compile --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11 \
		pyproject.toml -o requirements/runtime.txt
	$(UV) pip compile --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11 \
		--group dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt

.venv/.runtime: requirements/runtime.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --quiet --require-hashes -r requirements/runtime.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.runtime
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@
