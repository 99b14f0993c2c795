# Everything lands in .venv and node_modules. A machine needs make and Python 3.11 or newer with its venv module;
# another Python than the first on PATH: make PYTHON=python3.13.
PYTHON ?= python3

BIN := .venv/bin
TOOLCHAIN := $(BIN)/python -m strata.terraform.tools
# Not compiled while installing, since of the 2,200 modules of the AWS bindings some twenty are ever loaded. Python
# does it when a module is loaded first, so it must be allowed to: many container images switch that off.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/pip --disable-pip-version-check --quiet install --no-compile
LOCKED := --require-hashes --only-binary :all:
# Other bindings want another index of jsii's: .warm, which says where it is, goes when packages come.
# Set-up looks again when PATH has another node or terraform than last time.
PATH_NOW := $(shell { command -v node; command -v terraform; } | cksum | cut -d ' ' -f 1)
WHEELS := .venv/.wheels-$(PATH_NOW)
CLI := node_modules/.installed

.DEFAULT_GOAL := all
.PHONY: all setup dev demo demo-shell synth lint test own format golden e2e e2e-large shake bench audit lock iam-data \
	clean help
MAKEFLAGS += --no-print-directory

all: dev lint test synth ## set up, check, test and synthesize (default); CI runs e2e as well

setup: ## what synth and cdktf need: .venv and node_modules
	@$(MAKE) -s -j2 .venv/.run $(CLI)
	@$(TOOLCHAIN) warm

dev: ## setup, and what lint and test need
	@$(MAKE) -s -j2 .venv/.dev $(CLI)
	@$(TOOLCHAIN) warm

demo: dev ## deploy config/ into an emulated AWS: no account, no cost
	@$(BIN)/python -m tests.demo

demo-shell: dev ## the same, and a shell in which every command works on it
	@$(BIN)/python -m tests.demo shell

synth: setup ## write the Terraform of every stack to cdktf.out
	@$(TOOLCHAIN) synth

lint: dev ## check format, style, types and which room imports which
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/ruff check --quiet
	@said="$$($(BIN)/lint-imports --no-cache 2>&1)" || { echo "$$said"; exit 1; }
	@$(BIN)/mypy

# One test at a time, the long ones first: a worker that has many of them left is waited for at the end.
test: dev ## run the tests
	@$(BIN)/pytest -n 2 --maxschedchunk 1

own: dev ## run your own tests, tests/own, which read config/
	@$(BIN)/pytest -q tests/own

format: dev ## format, and mend what ruff can mend
	@$(BIN)/ruff format --quiet
	@$(BIN)/ruff check --quiet --fix

golden: dev ## rewrite the pinned texts in tests/: addresses, errors, warnings, reports, help; read the diff
	@$(BIN)/pytest --golden

# A file is not split, since each begins with a first deploy of minutes. docs/testing.md says where the
# provider comes from; where there is none, a line says so.
e2e: dev ## run the scenarios with the real AWS provider on emulated AWS, where this machine has one
	@$(BIN)/pytest -m 'e2e and not large' -n 2 --dist loadfile

e2e-large: dev ## the same with an organization of thirty accounts, too long for CI
	@$(BIN)/pytest -m large tests/scenarios

shake: dev ## kill and interrupt fifty deploys at random moments, and deploy again
	@$(BIN)/python -m tests.scenarios.shake

bench: dev ## measure what people wait for, against an earlier revision, and add a line to bench/history.jsonl
	@$(BIN)/python -m tests.bench

# STRICT=1: no answer about vulnerabilities is a failure too.
audit: dev ## licences of all that the locks install, and known vulnerabilities where a database answers
	@$(BIN)/python -m tests.audit $(if $(STRICT),--strict)

# No host name in a lock, so that it works with any mirror. Pins stay where pyproject.toml allows them:
# delete a file to get the newest of everything.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate
lock: .venv/.python ## pin anew what pyproject.toml and package.json ask for; MIRROR=... has the AWS provider
	@$(PIP) $(LOCKED) -r requirements/lock.txt
	@$(COMPILE) pyproject.toml --group build --group dev -o requirements/dev.txt
	@$(COMPILE) pyproject.toml --group build -c requirements/dev.txt -o requirements/run.txt
	@$(COMPILE) --group node -o requirements/node.txt
	@$(COMPILE) --group terraform -o requirements/terraform.txt
	@$(COMPILE) --group lock -o requirements/lock.txt
	@$(TOOLCHAIN) npm install --package-lock-only --silent
	@$(MAKE) setup
	@$(TOOLCHAIN) lock $(if $(MIRROR),"$(MIRROR)")

# Run it now and then, with newer versions in strata/iam/build.py: AWS adds some hundred actions a month.
iam-data: dev ## make anew what policies may name: services, actions, keys, AWS managed policies
	@$(BIN)/python -m strata.iam.build

# The stamps. Each file below stands for a step that is done, until what it was done from changes.
.venv/.python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit(f"strata needs Python 3.11 or newer, {sys.executable} is {sys.version.split()[0]}: make PYTHON=...")'
	@echo 'strata: setting up .venv and node_modules, which takes a minute once' >&2
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
	@touch $@

# First, because npm may be in one of them.
$(WHEELS): requirements/node.txt requirements/terraform.txt | .venv/.python
	@set -e; wheels="$$($(TOOLCHAIN) requirements)"; test -z "$$wheels" || $(PIP) $(LOCKED) $$wheels
	@$(TOOLCHAIN) link
	@touch $@

.venv/.run: pyproject.toml requirements/run.txt | $(WHEELS)
	@echo 'strata: installing what pyproject.toml asks for' >&2
	@$(PIP) $(LOCKED) -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@rm -f .venv/.warm
	@touch $@

.venv/.dev: pyproject.toml requirements/dev.txt requirements/terraform.txt | $(WHEELS)
	@echo 'strata: installing what pyproject.toml asks for' >&2
	@$(PIP) $(LOCKED) -r requirements/dev.txt $$($(TOOLCHAIN) requirements tests)
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(TOOLCHAIN) link
	@rm -f .venv/.warm
	@touch .venv/.run $@

$(CLI): package.json package-lock.json .npmrc | $(WHEELS)
	@echo 'strata: installing the cdktf CLI' >&2
	@$(TOOLCHAIN) npm ci --loglevel=error >/dev/null
	@touch $@

clean: ## remove what make and cdktf made
	rm -rf .venv node_modules cdktf.out cdktf.out-* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "make %-9s %s\n", $$1, $$2 }'
