# Lienthong. `make demo` shows it, `make test` proves it; both do their own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-long lint assets peers bench bench-full clean

PORT ?= 8000
# uv where it is installed already, else our own copy in .tools/bin
export PATH := $(CURDIR)/.tools/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON_PREFERENCE := only-system
# the distribution's own Python where it is new enough: built with profiles, it is a tenth faster than most built by hand
PYTHON ?= $(shell /usr/bin/python3 -c 'import sys; sys.version_info >= (3, 11) and print(sys.executable)' 2>/dev/null)
UV_SYNC := uv sync --locked --inexact $(addprefix --python ,$(PYTHON))
# compiled modules are kept even where the shell says not to: every command and test worker starts in half the time
export PYTHONDONTWRITEBYTECODE :=
# each process of a test run has one core at most, and multiplies no large matrices
test test-long: export OPENBLAS_NUM_THREADS := 1
TEST_WORKERS ?= 2
PYTEST := uv run --no-sync pytest -p no:cacheprovider
LINT := uv run --no-sync ruff check . && uv run --no-sync ruff format --check . \
  && uv run --no-sync mypy && uv run --no-sync lint-imports --no-cache
SOURCES := $(shell find ogc/web/frontend ogc/web/glyphs.py ogc/extract/fonts.py -not -path '*/node_modules*' -type f 2>/dev/null)

help:
	@echo "make demo       a synthetic province on http://127.0.0.1:$(PORT)   (PORT=…)"
	@echo "make test       every test not marked long, and the linters"
	@echo "make test-long  the rest"
	@echo "make bench      benchmarks in small sizes (under 3 minutes); make bench-full: a million parcels"
	@echo "make setup      packages, environment, front-end assets only"

.tools/debian: docker/debian-packages.txt docker/install-debian.sh
	@docker/install-debian.sh
	@mkdir -p .tools && touch $@

.tools/uv: .tools/debian
	@if ! command -v uv >/dev/null; then \
	  echo "→ cài uv / installing uv into .tools"; \
	  python3 -m venv .tools/venv && .tools/venv/bin/pip install -q --disable-pip-version-check uv; \
	  mkdir -p .tools/bin && ln -sf ../venv/bin/uv .tools/bin/uv; \
	fi
	@touch $@

.tools/environment: .tools/uv uv.lock pyproject.toml
	@echo "→ môi trường Python / Python environment"
	@$(UV_SYNC) --extra server --no-default-groups --group build
	@touch $@

.tools/environment-test: .tools/environment
	@docker/install-debian.sh chromium:chromium
	@$(UV_SYNC) --all-extras --all-groups
	@touch $@

# another engine, for one long test: its libraries never meet ours
.tools/pyramid_oereb/ready: .tools/uv tests/oracles/pyramid_oereb/requirements.txt
	@echo "→ môi trường đối chiếu pyramid_oereb / environment of the oracle pyramid_oereb"
	@uv venv -q --clear --python $(shell command -v python3) .tools/pyramid_oereb
	@uv pip install -q --python .tools/pyramid_oereb/bin/python --require-hashes -r tests/oracles/pyramid_oereb/requirements.txt
	@touch $@

# other servers, for benchmarks beside ours: `make peers`, then `python -m benchmarks --only peers`
.tools/peers/ready: .tools/uv benchmarks/peers/requirements.txt
	@echo "→ môi trường so sánh / environment of the peers"
	@uv venv -q --clear --python $(shell command -v python3) .tools/peers
	@uv pip install -q --python .tools/peers/bin/python --require-hashes -r benchmarks/peers/requirements.txt
	@touch $@

peers: .tools/peers/ready

.tools/assets: .tools/environment $(SOURCES)
	@echo "→ tài nguyên giao diện / front-end assets"
	@cd ogc/web/frontend && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && node build.mjs
	@uv run --no-sync python -m ogc.web.glyphs
	@touch $@

assets: .tools/assets

setup: .tools/environment .tools/assets

demo: setup
	@uv run --no-sync lienthong up --demo --port $(PORT)

lint: .tools/environment-test
	$(LINT)

# the linters run beside the tests: mypy, where its cache is empty, is a minute of one core
test: setup .tools/environment-test
	@{ $(LINT); } >.tools/lint.log 2>&1 & lint=$$!; \
	$(PYTEST) -n $(TEST_WORKERS) --dist loadgroup -m "not long" && tests=0 || tests=$$?; \
	wait $$lint && found=0 || found=$$?; \
	cat .tools/lint.log; \
	exit $$((tests || found))

test-long: setup .tools/environment-test .tools/pyramid_oereb/ready
	$(PYTEST) -n $(TEST_WORKERS) --dist loadgroup -m long

bench: setup .tools/environment-test
	uv run --no-sync python -m benchmarks --small

bench-full: setup .tools/environment-test peers
	uv run --no-sync python -m benchmarks --full

clean:
	rm -rf .venv .tools ogc/web/static/vendor ogc/web/frontend/node_modules
