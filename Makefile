# make demo | test | check | help: everything is installed below this checkout, nothing elsewhere
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := build/venv.stamp
NODE_STAMP := build/node.stamp
export PYTHONDONTWRITEBYTECODE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test coverage check test-long docs lock clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements/dev.txt pyproject.toml
	@echo "Installing into $(VENV) (about a minute, once)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@mkdir -p build && touch $@

# The conformance suite of MCP is a package of npm, which comes with Node.js from a wheel.
$(NODE_STAMP): $(STAMP) tests/conformance/package-lock.json tools/conformance.py
	@$(BIN)/python tools/conformance.py && touch $@

demo: $(STAMP) ## start the simulators, run the demo playbook twice and an MCP session, show what happened
	@$(BIN)/virtbridge demo

test: $(STAMP) $(NODE_STAMP) ## the tests that every change must pass
	@$(BIN)/python -m pytest -n 2 --dist loadfile -q -m "not long"

coverage: $(STAMP) $(NODE_STAMP) ## the same tests, measured; fails below 95 % of the branches of any group
	@$(BIN)/python tools/coverage_gate.py

test-long: $(STAMP) $(NODE_STAMP) ## what takes longer: planted defects, every ansible-core
	@$(BIN)/python -m pytest -q -m long

check: $(STAMP) ## lint, types, layers, docs drift, sanity, packaging
	@$(BIN)/python tools/check.py

docs: $(STAMP) ## write everything that is generated from the declarations
	@$(BIN)/python tools/gen_docs.py

lock: $(STAMP) ## resolve the dependencies again
	@$(BIN)/python tools/lock.py

clean: ## remove everything that was installed or built here
	@rm -rf $(VENV) build dist .cache .hypothesis
