# The commands of the README; `make` alone lists them. requirements/install.py makes .venv and
# installs a lock, and does nothing when that lock is installed already.

PYTHON ?= python3
SUITES ?=
UPGRADE ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1

python := .venv/bin/python
services := auth catalog order
# Everything outside the services is type-checked once, with order's settings; what looks into
# catalog, with catalog's.
platform := manage.py requirements/install.py $(wildcard local benchmarks) \
	$(filter-out tests/__pycache__ tests/faults $(services:%=tests/%_service),$(patsubst %/,%,$(wildcard tests/*/ tests/*.py)))
locks := local auth catalog order sbom bench

.DEFAULT_GOAL := help
.PHONY: help setup run secrets test test-faults test-mutations test-containers check format contracts release-contracts bench lock clean
.SUFFIXES:

help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' Makefile

setup: install-local ## Make .venv and install what the platform needs, no more.

run: install-local ## Install, start the whole platform, play a first order, stay up until Ctrl-C.
	@exec $(python) manage.py up --demo

secrets: ## Make what secrets/ lacks: the containers' passwords and keys (docs/containers.md).
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { echo "$$no_python" >&2; exit 1; }
	@"$(PYTHON)" -m local.secrets_folder

test: install-dev ## Install and run every test; SUITES="order_service system" runs some.
	@exec $(python) -m tests.run $(SUITES)

test-faults: install-dev ## Kill every process, race for stock, fuzz long: many minutes, and no part of `make test`.
	@$(python) -m tests.run faults system_long chassis_long auth_long catalog_long order_long
	@FUZZ_EXAMPLES=50 $(python) -m tests.run catalog_service order_service -- -k fuzz
	@$(python) -m tests.run chassis catalog_service order_service -- -m hypothesis --hypothesis-profile=default

test-mutations: install-dev ## Take each of the rules that keep data right out of a copy, and see its test fail: minutes.
	@exec $(python) -m tests.mutations

test-containers: install-dev ## Build the images, start them by compose.yaml, scale, kill and restart them: needs Docker, some minutes.
	@exec $(python) -m tests.containers

check: install-bench install-checkov ## Check style, types, layers, migrations and each service's settings.
	@$(MAKE) --no-print-directory --keep-going -j2 $(output_sync) check-all
	@echo "All checks passed."

format: install-dev ## Format the code and mend what ruff can mend.
	@$(python) -m ruff check --fix-only --quiet .
	@$(python) -m ruff format .

contracts: install-dev ## Write contracts/ anew from the services' code.
	@$(python) -m tests.contracts

release-contracts: install-dev ## Make today's contracts those of the last release (docs/events.md); refuses what breaks.
	@$(python) -m tests.contracts release

bench: install-bench ## Measure Souk against its limits and what users pick instead.
	@exec $(python) -m benchmarks

lock: install-dev ## Compile requirements/*.txt anew; UPGRADE=1 takes newer releases.
	@$(call compile,dev,)
	@for lock in $(locks); do $(call compile,$$lock,--constraint dev.txt); done
	@$(call compile,checkov,)

clean: ## Remove .venv, caches and build output; the platform's data (.souk) stays.
	@rm -rf .venv .venv-checkov .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	@find . -path ./.souk -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

compile = (cd requirements && ../$(python) -m uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-header $(if $(UPGRADE),--upgrade) $(2) $(1).in --output-file $(1).txt) || exit 1

# Installing

export no_python := Souk needs Python 3.11 or newer, and there is no $(PYTHON) here: install it, \
	or name another as in `make run PYTHON=python3.12`.
.PHONY: install-local install-dev install-bench install-checkov
install-local install-dev install-bench install-checkov: install-%:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { echo "$$no_python" >&2; exit 1; }
	@"$(PYTHON)" requirements/install.py $*

# The parts of `make check`: two run at a time, and all run even when one fails.

output_sync := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
.PHONY: check-all check-lint check-format check-imports check-services check-hardening check-checkov check-kubernetes $(services:%=check-types-%)
check-all: $(services:%=check-types-%) check-services check-checkov check-imports check-hardening check-kubernetes check-lint check-format

check-lint:
	@$(python) -m ruff check --quiet .

check-format:
	@$(python) -m ruff format --check --output-format concise .

check-imports:
	@.venv/bin/lint-imports

check-services:
	@$(python) -m tests.check

check-kubernetes:
	@$(python) -m tests.kubernetes

check-hardening:
	@$(python) -m tests.hardening

check-checkov:
	@$(python) -m tests.hardening.checkov

# One settings module cannot hold three services, so each is type-checked with its own.
$(services:%=check-types-%): check-types-%:
	@$(python) -m tests.environment $* python -m mypy --cache-dir .mypy_cache/$* \
		chassis settings apps/$*_service $(wildcard tests/$*_service) \
		$(if $(filter catalog,$*),tests/faults) $(if $(filter order,$*),$(platform))
