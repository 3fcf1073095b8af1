# The doors of the repository. Every target sets up .venv first, from pinned versions.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash

.PHONY: help demo console test check bench screenshots soak conformance images manifests fleet cdk clean
help:  ## Show this help
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# torch first: an unpinned one would bring several GB of CUDA libraries.
.venv/.ready: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tierwise needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "installing pinned dependencies into .venv (about five minutes the first time)" >&2
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[site,cloud,dev]'
	@touch $@

demo: .venv/.ready  ## Build a sample site, start its servers, investigate its incident
	@PATH="$(CURDIR)/$(BIN):$$PATH" deploy/demo.sh .demo

console: .venv/.ready  ## The NOC console over a sample site; prints the link that signs you in
	@PATH="$(CURDIR)/$(BIN):$$PATH" deploy/console.sh .console

test: .venv/.ready  ## Run the test suite; lists what this machine had to skip
	$(BIN)/python -m pytest -n auto --dist loadfile

check: .venv/.ready  ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.ready  ## The benchmarks as one table, also bench/results.json
	$(BIN)/python -m bench $(ARGS)

screenshots: .venv/.ready  ## Take the pictures of docs/console.md anew
	$(BIN)/python -m tests.browser.screenshots

soak: .venv/.ready  ## Kill orchestrators at random; nothing may be lost or done twice
	$(BIN)/python -m tests.soak $(ARGS)

conformance: .venv/.ready  ## The MCP conformance suite and the Inspector; writes docs/conformance.md
	$(BIN)/python -m tests.conformance

images: .venv/.ready  ## Lint, build and start the two images; skips what this machine cannot do
	$(BIN)/python -m deploy.images $(ARGS)

manifests: .venv/.ready  ## Render the manifests of every tier and check them
	$(BIN)/python -m deploy.kubernetes

fleet: .venv/.ready  ## Write and check a fleet of sites for GitOps; ARGS="my-fleet --out FOLDER"
	$(BIN)/python -m deploy.fleet $(ARGS)

cdk: .venv/.ready  ## Synthesise and lint the AWS templates, hold them to the rules; no account
	$(BIN)/python -m deploy.aws $(ARGS)

clean:  ## Remove what was built, but not your sites
	rm -rf .venv .demo .console .browser .conformance build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache bench/results.json
