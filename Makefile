# Every task of Marquee. `make` alone lists them; ENV chooses the deployment (default: local).

ENV ?= local
PORT ?= 4566
SEED ?= 1
MINUTES ?= 15
export ENV PORT

SHELL := /bin/sh
VENVS := .venvs
DEVELOPMENT := $(VENVS)/development/bin
OPERATE := $(DEVELOPMENT)/python -m operations
SOURCES := layer functions emr_steps catalogue local_aws operations tests benchmarks
CHECKED = $(wildcard $(SOURCES))

.DEFAULT_GOAL := help
.PHONY: help

help: ## List every task
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\nENV=<name> acts on that AWS deployment instead of this machine; PORT=<port> moves the local AWS.\n'

##@ On this machine (ENV=local) or on AWS (ENV=<name>)
.PHONY: local stop site-url api-url texts flow import train evaluate status logs redrive invoke
local: environments ## Bring everything up on this machine, train, print the addresses
	@$(OPERATE) local

stop: environment-development ## Stop the local AWS and leave nothing behind
	@$(OPERATE) stop

site-url: environment-development ## Print the site's address
	@$(OPERATE) site-url

api-url: environment-development ## Print the API's address
	@$(OPERATE) api-url

texts: environment-development ## Show the texts "sent" by the local AWS
	@$(OPERATE) texts

flow: environment-development ## Submit a questionnaire and follow it to the text [FILE= SEED= PHONE=]
	@$(OPERATE) flow --seed '$(SEED)' $(if $(FILE),--file '$(FILE)') $(if $(PHONE),--phone '$(PHONE)')

import: environment-development ## Bring ratings in, make them the active data set, train: DATA=<path> [NAME=]
	@$(if $(DATA),,echo "DATA is not set: give the ratings' folder or file, as in make import DATA=path/to/ratings" >&2; exit 1;) \
	$(OPERATE) import '$(DATA)' $(if $(NAME),--name '$(NAME)')

train: environment-development ## Train on the active data set and all visitors' ratings
	@$(OPERATE) train

evaluate: environment-development ## Measure models on held-out ratings: DATA=<path> [MODELS=a,b SPLIT= SEED=1 NAME= JSON=1]
	@$(if $(DATA),,echo "DATA is not set: give the ratings' folder or file, as in make evaluate DATA=path/to/ratings" >&2; exit 1;) \
	$(OPERATE) evaluate '$(DATA)' --seed '$(SEED)' $(if $(MODELS),--models '$(MODELS)') $(if $(SPLIT),--split '$(SPLIT)') \
		$(if $(NAME),--name '$(NAME)') $(if $(JSON),--json)

status: environment-development ## Show model, cluster, steps, queues and dead letters
	@$(OPERATE) status

logs: environment-development ## Show what the functions logged [FUNCTION= MINUTES=15]
	@$(OPERATE) logs --minutes '$(MINUTES)' $(if $(FUNCTION),--function '$(FUNCTION)')

redrive: environment-development ## Put dead letters back to where they failed
	@$(OPERATE) redrive

invoke: environment-development environment-sam ## Run one function in a container: FUNCTION=<name> EVENT=events/<name>.json
	@$(if $(and $(FUNCTION),$(EVENT)),,echo "Name both, as in make invoke FUNCTION=ingest EVENT=events/ingest.json" >&2; exit 1;) \
	$(DEVELOPMENT)/python -m local_aws.invoke '$(FUNCTION)' '$(EVENT)'

##@ On AWS
.PHONY: bootstrap plan deploy destroy
bootstrap: environment-development ## Make the bucket of Terraform's state (once)
	@$(OPERATE) bootstrap

plan: environment-development ## Show what Terraform would change
	@$(OPERATE) plan

deploy: environment-development environment-sam ## Make the account match the work tree
	@$(OPERATE) deploy

destroy: environment-development ## Take the whole deployment down; asks for its name (YES=1 does not)
	@$(OPERATE) destroy

##@ Tests and checks
.PHONY: test test-unit test-spark test-infrastructure test-integration test-browser lint types format coverage benchmark benchmark-model screenshots
PYTEST := $(DEVELOPMENT)/python -m pytest

test: environments tools lint types ## Everything: lint, types, then all tests with coverage
	@$(PYTEST) --cov --cov-report= tests; tests=$$?; \
	$(DEVELOPMENT)/python -m coverage report; \
	exit $$tests

test-unit: environment-development ## Unit tests: no network, under a minute
	@$(PYTEST) tests/unit

test-spark: environment-development environment-emr ## The EMR steps on a local Spark
	@$(DEVELOPMENT)/python -m operations.tools java
	@$(PYTEST) tests/spark

test-infrastructure: environments ## Terraform, SAM, event files, and what a deployment leaves
	@$(DEVELOPMENT)/python -m operations.tools java terraform
	@$(PYTEST) tests/infrastructure

test-integration: environments ## The whole flow and its failures on a local AWS of their own
	@$(DEVELOPMENT)/python -m operations.tools java terraform
	@$(PYTEST) tests/integration

test-browser: environments ## The site in Chromium
	@$(DEVELOPMENT)/python -m operations.tools java terraform chromium
	@$(PYTEST) tests/browser

lint: environment-development ## Style of Python and Terraform files
	@$(DEVELOPMENT)/ruff check --quiet $(CHECKED)
	@$(DEVELOPMENT)/ruff format --check --quiet $(CHECKED) || { echo "Some files are not formatted: run 'make format'." >&2; exit 1; }
	@$(DEVELOPMENT)/python -m operations.tools terraform
	@terraform fmt -check -recursive terraform >/dev/null 2>&1 || { echo "Some Terraform files are not formatted: run 'make format'." >&2; exit 1; }

types: environment-development ## Types of all Python, strictly
	@$(DEVELOPMENT)/mypy $(CHECKED)

format: environment-development ## Put Python and Terraform files into shape
	@$(DEVELOPMENT)/ruff check --quiet --fix $(CHECKED)
	@$(DEVELOPMENT)/ruff format --quiet $(CHECKED)
	@terraform fmt -recursive terraform

coverage: environment-development ## Coverage of the last test run, branches included, as pages in htmlcov/
	@$(DEVELOPMENT)/python -m coverage html --quiet
	@$(DEVELOPMENT)/python -m coverage report

benchmark: environment-development ## Seconds from form to picks and to text, and the burst, against a running deployment
	@$(DEVELOPMENT)/python -m benchmarks.flow

benchmark-model: environment-development ## Processor time of picks for a visitor, and the recommend step's for ten thousand
	@PYTHONPATH=layer $(DEVELOPMENT)/python -m benchmarks.picks
	@PYTHONPATH=layer:emr_steps PYSPARK_PYTHON=$(DEVELOPMENT)/python $(DEVELOPMENT)/python -m benchmarks.batch

screenshots: environment-development ## Take the pictures that the README shows, of a running deployment
	@$(DEVELOPMENT)/python -m operations.tools chromium
	@$(DEVELOPMENT)/python -m tests.browser.screenshots "$$($(OPERATE) site-url)"

##@ Housekeeping
.PHONY: environments tools lock hooks clean
environments: ## Build all Python environments from their locks
	@$(BUILD)

# Every environment is built once for each content of its lock; see operations/environments.py.
BUILD = python=$$(sh operations/find_python.sh) && "$$python" -m operations.environments
environment-%:
	@$(BUILD) $*

tools: environment-development
	@$(DEVELOPMENT)/python -m operations.tools java terraform chromium openblas

lock: environment-development ## Renew the hashed locks from requirements/*.in
	@$(DEVELOPMENT)/python -m operations.locks

hooks: environment-development ## Check each commit before it is made
	@$(DEVELOPMENT)/pre-commit install

clean: ## Remove environments, state and everything builds leave behind (stop first)
	@test ! -e .local/local/local_aws.json || { echo "The local AWS is up: run 'make stop' first." >&2; exit 1; }
	rm -rf $(VENVS) .local .aws-sam .coverage .coverage.* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
