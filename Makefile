# Everything lands in .venv and node_modules. A machine needs make and Python 3.11 or newer with its venv module;
# another Python than the first on PATH: make PYTHON=python3.13.
PYTHON ?= python3

# cdktf, or cdktn, which goes on where cdktf ended. requirements/engine names the default; the other one has an environment of
# its own, in which every target works.
DEFAULT := $(shell cat requirements/engine)
ENGINE ?= $(DEFAULT)
VENV := $(if $(filter $(DEFAULT),$(ENGINE)),.venv,.venv-$(ENGINE))
ifeq ($(ENGINE),cdktf)
CLI_HOME := .
CLI := node_modules/.installed
CLI_PINS := package.json package-lock.json .npmrc
LOCKS := requirements/run.txt requirements/dev.txt requirements/node.txt
else ifeq ($(ENGINE),cdktn)
CLI_HOME := $(VENV)
CLI := $(VENV)/node_modules/.installed
CLI_PINS := $(VENV)/package.json $(VENV)/package-lock.json $(VENV)/.npmrc
LOCKS := requirements/cdktn.txt requirements/cdktn.txt requirements/cdktn-node.txt
else
$(error ENGINE is cdktf or cdktn, not $(ENGINE))
endif
RUN_LOCK := $(word 1,$(LOCKS))
DEV_LOCK := $(word 2,$(LOCKS))
NODE_LOCK := $(word 3,$(LOCKS))

BIN := $(VENV)/bin
TOOLCHAIN := $(BIN)/python -m tools.make
# Not compiled while installing, since of the 2,200 modules of the AWS bindings some twenty are ever loaded. Python
# does it when a module is loaded first, so it must be allowed to: many container images switch that off.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/pip --disable-pip-version-check --quiet install --no-compile
LOCKED := --require-hashes --only-binary :all:
# Other bindings want another index of jsii's: .warm, which says where it is, goes when packages come.
# Set-up looks again when PATH has another node or terraform than last time.
PATH_NOW := $(shell { command -v node; command -v terraform; } | cksum | cut -d ' ' -f 1)
WHEELS := $(VENV)/.wheels-$(PATH_NOW)
# Says in one line why an installation failed; the rest is in a file.
logged = { $(1); } >$(VENV)/$(@F).log 2>&1 || { \
	said="$$(grep -m 1 -E '\[Errno|^ERROR|^npm error' $(VENV)/$(@F).log | sed 's/.*\[Errno/[Errno/')"; \
	echo "strata: $(2) cannot be installed: $$said; $(VENV)/$(@F).log has the rest" >&2; exit 1; }

.DEFAULT_GOAL := all
.PHONY: all setup dev demo demo-shell synth lint test own format golden cdktn e2e e2e-large shake bench audit recording \
	lock iam-data clean help
MAKEFLAGS += --no-print-directory

all: dev lint test synth ## set up, check, test and synthesize (default); CI runs e2e as well

setup: ## what synth and cdktf need: .venv and node_modules
	@$(MAKE) -s -j2 $(VENV)/.run $(CLI)
	@$(TOOLCHAIN) warm

dev: ## setup, and what lint and test need
	@$(MAKE) -s -j2 $(VENV)/.dev $(CLI)
	@$(TOOLCHAIN) warm

demo: dev ## deploy config/ into an emulated AWS: no account, no cost
	@$(BIN)/python -m tests.demo

demo-shell: dev ## the same, and a shell in which every command works on it; FROM=empty: with nothing deployed
	@$(BIN)/python -m tests.demo shell

synth: setup ## write the Terraform of every stack to cdktf.out
	@$(TOOLCHAIN) synth

lint: dev ## check format, style, types and which room imports which
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/ruff check --quiet
	@said="$$($(BIN)/lint-imports --no-cache 2>&1)" || { echo "$$said"; exit 1; }
	@$(BIN)/mypy

# A file is not split, so that what its tests share is made once; the scenarios, which take longest, come first, as they
# are collected: xdist would begin with the files of most tests.
test: dev ## run the tests
	@$(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder

own: dev ## run your own tests, tests/own, which read config/ or STRATA_CONFIG
	@$(BIN)/pytest -q tests/own

format: dev ## format, and mend what ruff can mend
	@$(BIN)/ruff format --quiet
	@$(BIN)/ruff check --quiet --fix

golden: dev ## rewrite every text that follows from others: addresses, messages, reports, schemas, policies, pages
	@$(BIN)/pytest --golden

# The Terraform of both is compared first. What of the tests knows the engine: stacks, addresses, layers of one's own,
# set-up; and a first deploy with its second plan. make cdktn TESTS=tests runs all that make test does.
TESTS := $(addprefix tests/,$(addsuffix .py,$(addprefix test_,addresses backend bindings engines kernel layers \
	left_alone main organizations security sso text tools) scenarios/test_layer scenarios/test_shipped)) \
	tests/provider/test_provider.py::test_the_schema_is_that_of_the_pinned_bindings
cdktn: dev ## compare the Terraform of cdktn, which follows cdktf, and run the tests of the stacks on it; TESTS=tests: all
	@$(MAKE) -s ENGINE=cdktn dev
	@$(BIN)/python -m tests.engines strata/template tests/company tests/every_option
	@.venv-cdktn/bin/pytest -n 2 --dist loadfile $(TESTS)

# A file is not split, since each begins with a first deploy of minutes, and the longest come first; xdist would begin with
# those of most tests. Six at a time, also on two cores: the real provider waits for most of its time. Where Go collects
# garbage less often, it and Terraform take a fifth less of a processor. CONTRIBUTING.md says where the provider comes
# from; where there is none, a line says so.
e2e: dev ## run the scenarios with the real AWS provider on emulated AWS, where this machine has one
	@GOGC=400 $(BIN)/pytest -m 'e2e and not large' -n 6 --dist loadfile --no-loadscope-reorder

e2e-large: dev ## what is too long for CI: an organization of thirty accounts, more with the real provider
	@$(BIN)/pytest -m large

shake: dev ## kill and interrupt fifty deploys at random moments, and deploy again
	@$(BIN)/python -m tests.scenarios.shake

bench: dev ## measure what people wait for, and fail where it takes too much
	@$(BIN)/python -m tests.bench

# STRICT=1: no answer about vulnerabilities is a failure too.
audit: dev ## licences of all that the locks install, and known vulnerabilities where a database answers
	@$(BIN)/python -m tests.audit $(if $(STRICT),--strict)

recording: dev ## record the terminal of README.md anew, docs/recording.svg
	@$(BIN)/python -m tests.recording

# No host name in a lock, so that it works with any mirror. Pins stay where pyproject.toml allows them:
# delete a file to get the newest of everything.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate
lock: $(VENV)/.$(ENGINE) ## pin anew what pyproject.toml and package.json ask for; MIRROR=... has the AWS provider
	@$(PIP) $(LOCKED) -r requirements/lock.txt
	@$(COMPILE) pyproject.toml --group build --group dev -o requirements/dev.txt
	@$(COMPILE) pyproject.toml --group build -c requirements/dev.txt -o requirements/run.txt
	@$(COMPILE) --group node -o requirements/node.txt
	@$(COMPILE) --group terraform -o requirements/terraform.txt
	@$(COMPILE) --group lock -o requirements/lock.txt
	@cp requirements/dev.txt requirements/cdktn.txt
	@$(TOOLCHAIN) cdktn >$(VENV)/cdktn.in
	@$(COMPILE) $(VENV)/cdktn.in -o requirements/cdktn.txt
	@$(COMPILE) --group cdktn-node -o requirements/cdktn-node.txt
	@$(MAKE) -s $(WHEELS)
	@$(TOOLCHAIN) npm install --package-lock-only --silent
	@$(TOOLCHAIN) npm install --package-lock-only --silent --prefix requirements/cdktn --omit-lockfile-registry-resolved
	@$(MAKE) setup
	@$(TOOLCHAIN) lock $(if $(MIRROR),"$(MIRROR)")

# Run it now and then, with newer versions in tools/iam_data.py: AWS adds some hundred actions a month.
iam-data: dev ## make anew what policies may name: services, actions, keys, AWS managed policies
	@$(BIN)/python -m tools.iam_data

# The stamps. Each file below stands for a step that is done, until what it was done from changes.
# An environment of the other engine has packages that this one must not find, and goes.
$(VENV)/.$(ENGINE):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit(f"strata needs Python 3.11 or newer, {sys.executable} is {sys.version.split()[0]}: make PYTHON=...")'
	@echo 'strata: setting up $(VENV) and $(dir $(CLI)), which takes a minute once' >&2
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }
	@touch $@

# First, because npm may be in one of them.
$(WHEELS): $(NODE_LOCK) requirements/terraform.txt $(VENV)/.$(ENGINE) | $(CLI_PINS)
	@set -e; wheels="$$($(TOOLCHAIN) requirements)"; test -z "$$wheels" || $(call logged,$(PIP) $(LOCKED) $$wheels,$$wheels)
	@$(TOOLCHAIN) link
	@touch $@

$(VENV)/.run: pyproject.toml $(RUN_LOCK) $(VENV)/.$(ENGINE) | $(WHEELS)
	@echo 'strata: installing what pyproject.toml asks for' >&2
	@$(call logged,$(PIP) $(LOCKED) -r $(RUN_LOCK),$(RUN_LOCK))
	@$(PIP) --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.warm
	@touch $@

$(VENV)/.dev: pyproject.toml $(DEV_LOCK) requirements/terraform.txt $(VENV)/.$(ENGINE) | $(WHEELS)
	@echo 'strata: installing what pyproject.toml asks for' >&2
	@$(call logged,$(PIP) $(LOCKED) -r $(DEV_LOCK) $$($(TOOLCHAIN) requirements tests),$(DEV_LOCK))
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(TOOLCHAIN) link
	@rm -f $(VENV)/.warm
	@touch $(VENV)/.run $@

$(CLI): $(CLI_PINS) | $(WHEELS)
	@echo 'strata: installing the CLI that $< pins' >&2
	@$(call logged,$(TOOLCHAIN) npm ci --prefix $(CLI_HOME) --loglevel=error,the CLI that $< pins)
	@touch $@

# An environment that has a package.json of its own takes the CLI from there.
$(VENV)/package%json: requirements/cdktn/package%json $(VENV)/.$(ENGINE)
	@cp $< $@

$(VENV)/.npmrc: .npmrc $(VENV)/.$(ENGINE)
	@cp $< $@

clean: ## remove what make and cdktf made
	rm -rf .venv .venv-* node_modules cdktf.out cdktf.out-* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "make %-9s %s\n", $$1, $$2 }'
