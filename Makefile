# Every target works on a fresh clone with Python >= 3.11 and make: the first one used creates .venv.
# The AWS targets (deploy, plan, destroy) use the credentials of your shell; demo and test need none.

PYTHON ?= python3
WORKLOAD ?= postgres-dr
REGION ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# checkov pins a boto3 of its own, so it lives apart.
SCANNERS := .venv-checkov
SCANNERS_READY := $(SCANNERS)/.ready
ONLY_REGION := $(if $(REGION),--region $(REGION))

.PHONY: help demo templates lint deploy plan destroy test check fix docs benchmarks corpus clean

help:  ## Show the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("drgen needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,dev]'
	$(BIN)/python -m compileall -q src
	@touch $@

$(SCANNERS_READY): tools/scanners.txt
	$(PYTHON) -m venv $(SCANNERS)
	$(SCANNERS)/bin/python -m pip install --quiet --disable-pip-version-check -r tools/scanners.txt
	@touch $@

demo: $(READY)  ## Build, check and deploy to the embedded AWS, then fail over with the primary region dark. No account needed.
	$(BIN)/python -m drgen.cli.demo $(WORKLOAD)

templates: $(READY)  ## Build the templates of every workload and check them.
	$(BIN)/drgen build
	$(BIN)/drgen check

lint: $(READY) $(SCANNERS_READY)  ## Check the committed templates: cfn-lint, cloudformation-validate, checkov, cfripper, IAM actions, all regions together.
	$(BIN)/drgen build --check
	$(BIN)/drgen check
	$(BIN)/drgen check --fast
	$(SCANNERS)/bin/checkov --directory templates --framework cloudformation --quiet --compact --skip-download
	$(SCANNERS)/bin/python tools/ripper.py templates
	$(SCANNERS)/bin/python tools/actions.py templates

plan: $(READY)  ## Show what a deployment would change. WORKLOAD=..., REGION=...
	$(BIN)/drgen build --check $(WORKLOAD)
	$(BIN)/drgen plan $(WORKLOAD) $(ONLY_REGION)

deploy: $(READY)  ## Deploy. WORKLOAD=..., REGION=...
	$(BIN)/drgen build --check $(WORKLOAD)
	$(BIN)/drgen deploy $(WORKLOAD) $(ONLY_REGION)

destroy: $(READY)  ## Delete a workload's stacks. WORKLOAD=...
	$(BIN)/drgen destroy $(WORKLOAD)

test: $(READY)  ## Run the tests.
	$(BIN)/python -m pytest

check: $(READY)  ## Everything CI runs.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy lambdas/probe/handler.py lambdas/probe/logic.py
	$(BIN)/mypy lambdas/failover/handler.py
	$(BIN)/mypy tools/actions.py tools/ripper.py tools/corpus.py
	$(BIN)/mypy --explicit-package-bases tests
	$(BIN)/python -m drgen.cli.documentation --check
	$(MAKE) lint
	$(MAKE) test

fix: $(READY)  ## Format the code and mend what ruff can mend.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)  ## Write the generated pages of docs/.
	$(BIN)/python -m drgen.cli.documentation

benchmarks: $(READY)  ## Measure the speed of the commands; prints medians and ratios.
	$(BIN)/python benchmarks/commands.py
	$(BIN)/python benchmarks/preflight.py

corpus: $(READY)  ## Print which known failures are caught, by cfn-lint alone and by drgen.
	$(BIN)/python tools/corpus.py

clean:  ## Remove the virtual environment and caches.
	rm -rf $(VENV) $(SCANNERS) .drgen .mypy_cache .ruff_cache .pytest_cache .hypothesis
