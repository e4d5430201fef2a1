# Everything a newcomer runs. Needs make and Python 3.11 or newer; PYTHON=… chooses which.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:

# What pytest is told besides: make test ARGS=tests/unit
ARGS ?=
# make smoke URL=https://login.example.com
URL ?=
# make lock UPGRADE=--upgrade
UPGRADE ?=

PY := .venv/bin/python
# SAM asks for a region even where it needs none, and would report to its makers.
SAM := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} \
	PATH="$$folder:$$PATH" .venv-build/bin/sam
COMPILE := .venv-build/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header $(UPGRADE)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# exec: the recipe's shell becomes the program, so that a signal sent to make's process group, or
# passed on by make, reaches the program itself.
.PHONY: demo
demo: venv node-demo ## the main job on this machine alone: provider, app, Signet; prints what to click
	@exec $(PY) -m signet_local.demo

.PHONY: serve
serve: venv ## the local stack alone, until Ctrl-C (settings: SIGNET_… in the environment)
	@exec $(PY) -m signet_local.serve

.PHONY: test
test: venv node venv-artifact ## the whole suite, and what it skipped and why
	@exec $(PY) -m pytest -p tests.support.skipped $(ARGS)

.PHONY: e2e
e2e: venv node ## the browser tests alone
	@exec $(PY) -m pytest -p tests.support.skipped tests/e2e $(ARGS)

.PHONY: interop
interop: venv ## logins through Keycloak, from Maven Central (minutes, and a gigabyte of memory)
	@tools/keycloak && exec $(PY) -m pytest -p tests.support.skipped tests/keycloak $(ARGS)

.PHONY: check
check: venv ## formatting, lint, types, import rules: seconds, offline
	@.venv/bin/ruff format --check
	@.venv/bin/ruff check
	@.venv/bin/mypy
	@.venv/bin/lint-imports

.PHONY: build
build: venv-build ## sam build of what would be deployed, then sam validate --lint
	@folder=$$(tools/python3.13-folder) && $(SAM) build && $(SAM) validate --lint

.PHONY: scan
scan: venv-scan ## checkov of template.yaml; what is excused, and why, is in its Metadata
	@.venv-scan/bin/python tools/scan

.PHONY: bench
bench: venv node ## the benchmarks, as ratios against the named baselines of the same run
	@exec $(PY) -m tests.bench

.PHONY: cost
cost: venv ## what a login costs: its AWS calls, counted, at list prices
	@exec $(PY) -m tests.cost

.PHONY: smoke
smoke: venv ## checks a deployed stack from outside: make smoke URL=https://login.example.com
	@exec $(PY) -m signet_local.smoke "$(URL)"

.PHONY: mutants
mutants: venv ## takes each security rule out and sees its test fail
	@exec $(PY) -m tests.mutants $(ARGS)

.PHONY: lock
lock: venv-build ## compile the lock files again (UPGRADE=--upgrade for newer versions)
	@$(COMPILE) layers/signet/pyproject.toml --output-file layers/dependencies/requirements.txt >/dev/null
	@$(COMPILE) layers/signet/pyproject.toml --extra aws --group pyproject.toml:dev \
		--constraint layers/dependencies/requirements.txt --output-file requirements-dev.txt >/dev/null
	@$(COMPILE) --group pyproject.toml:build --output-file requirements-build.txt >/dev/null
	@$(COMPILE) --group pyproject.toml:scan --output-file requirements-scan.txt >/dev/null

.PHONY: venv
venv:
	@tools/venv .venv requirements-dev.txt layers/signet .

.PHONY: node
node: venv
	@tools/node-packages

.PHONY: node-demo
node-demo: venv
	@tools/node-packages --omit=dev

.PHONY: venv-build
venv-build:
	@tools/venv .venv-build requirements-build.txt

.PHONY: venv-scan
venv-scan:
	@tools/venv .venv-scan requirements-scan.txt

# What tests/integration/test_built_artifact.py needs; it builds the artifact itself.
.PHONY: venv-artifact
venv-artifact:
	@if tools/python3.13-folder >/dev/null 2>&1; then tools/venv .venv-build requirements-build.txt; fi

# What would be deployed, but for this machine's processor, so that the tests can import it.
.PHONY: artifact
artifact: venv-build
	@folder=$$(tools/python3.13-folder) && \
	$(SAM) build --build-dir .aws-sam/local --cache-dir .aws-sam/local-cache --parameter-overrides \
		Architecture=$$(uname -m | sed -e 's/^aarch64$$/arm64/' -e 's/^amd64$$/x86_64/')
