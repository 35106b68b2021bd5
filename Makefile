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
	@printf '\nENV=<name> acts on that AWS deployment instead of this machine; PORT=<port> moves the local AWS;\nEMULATOR=localstack runs it on LocalStack, which enforces no IAM, instead of LocalEmu.\n'

##@ On this machine (ENV=local) or on AWS (ENV=<name>)
.PHONY: local stop site-url api-url texts flow import train posters evaluate status logs redrive rollback rollback-model invoke
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

train: environment-development ## Train on the active data set and visitors' ratings [ALL_VISITORS=1]
	@$(OPERATE) train $(if $(ALL_VISITORS),--all-visitors)

posters: environment-development ## Fetch the movies' posters from TMDB for the site to show: KEY_FILE=<file> [REMOVE=1]
	@$(OPERATE) posters $(if $(KEY_FILE),--key-file '$(KEY_FILE)') $(if $(REMOVE),--remove)

evaluate: environment-development ## Measure models on held-out ratings: DATA=<path> [MODELS=a,b SPLIT= SEED=1 NAME= JSON=1]
	@$(if $(DATA),,echo "DATA is not set: give the ratings' folder or file, as in make evaluate DATA=path/to/ratings" >&2; exit 1;) \
	$(OPERATE) evaluate '$(DATA)' --seed '$(SEED)' $(if $(MODELS),--models '$(MODELS)') $(if $(SPLIT),--split '$(SPLIT)') \
		$(if $(NAME),--name '$(NAME)') $(if $(JSON),--json)

status: environment-development ## Show model, cluster, steps, queues and dead letters
	@$(OPERATE) status

logs: environment-development ## Show what the functions logged [FUNCTION= MINUTES=15]
	@$(OPERATE) logs --minutes '$(MINUTES)' $(if $(FUNCTION),--function '$(FUNCTION)')

redrive: environment-development ## Put dead letters back to where they failed; dead sweeps are dropped
	@$(OPERATE) redrive

rollback: environment-development ## Put the functions' former release into use again; the next deploy goes forward
	@$(OPERATE) rollback

rollback-model: environment-development ## Put a kept model into use again, the one before or MODEL=<id>
	@$(OPERATE) rollback-model $(if $(MODEL),--model '$(MODEL)')

invoke: environment-development environment-sam ## Run one function in a container: FUNCTION=<name> EVENT=events/<name>.json
	@$(if $(and $(FUNCTION),$(EVENT)),,echo "Name both, as in make invoke FUNCTION=ingest EVENT=events/ingest.json" >&2; exit 1;) \
	$(DEVELOPMENT)/python -m operations.invoke '$(FUNCTION)' '$(EVENT)'

##@ On AWS
.PHONY: preflight cost cost-page bootstrap plan deploy renew drift deployer-policy destroy
preflight: environment-development ## Say what would stop a deployment, and how to fix it; changes nothing [JSON=1]
	@$(OPERATE) preflight $(if $(JSON),--json)

cost: environment-development ## Show what a deployment costs a month, without an account [JSON=1 PLAN=<terraform show -json>]
	@$(OPERATE) cost $(if $(JSON),--json) $(if $(PLAN),--plan '$(PLAN)')

cost-page: environment-development ## Write the table of costs in docs/deploy.md again
	@$(DEVELOPMENT)/python -m operations.cost

bootstrap: environment-development ## Make the bucket of Terraform's state (once)
	@$(OPERATE) bootstrap

plan: environment-development ## Show what Terraform would change
	@$(OPERATE) plan

deploy: environment-development environment-sam ## Make the account match the work tree
	@$(OPERATE) deploy

renew: environment-development environment-sam ## Replace the cluster; its steps end first, visitors are served throughout
	@$(OPERATE) renew

drift: environment-development ## List where the account and the work tree differ; changes nothing, fails if they do
	@$(OPERATE) drift

deployer-policy: environment-development ## Print the least rights to deploy, as JSON [PART= BOUNDARY=1 READ_ONLY=1]
	@$(OPERATE) deployer-policy $(if $(PART),--part '$(PART)') $(if $(BOUNDARY),--boundary) $(if $(READ_ONLY),--read-only)

destroy: environment-development ## Take the whole deployment down; asks for its name (YES=1 does not)
	@$(OPERATE) destroy

.PHONY: rehearse
rehearse: environments ## Deploy, use, change, roll back, destroy an empty ENV; writes a report [REPORT= KEEP=1]
	@$(OPERATE) rehearse $(if $(REPORT),--report '$(REPORT)') $(if $(KEEP),--keep)

# What checks the site: TypeScript's compiler and axe-core, by npm from package-lock.json.
NODE_MODULES := node_modules/.package-lock.json
$(NODE_MODULES): package-lock.json | environment-development
	@$(DEVELOPMENT)/python -m operations.tools node
	@npm ci --silent
	@touch $@

##@ Tests and checks
.PHONY: openapi permissions test test-domain test-unit test-site test-spark test-infrastructure test-integration test-browser lint types format coverage benchmark screenshots
# ARGS go to pytest, as in make test-unit ARGS='-k fold_in -x'.
PYTEST := $(DEVELOPMENT)/python -m pytest $(ARGS)
DOMAIN := $(wildcard tests/unit/test_*.py) $(addprefix tests/unit/,learning recommender requests serving)

test: environments tools lint types test-site ## Everything: lint, types, then all tests with coverage
	@$(PYTEST) --cov --cov-report= --durations=25 --durations-min=5 tests; tests=$$?; \
	$(DEVELOPMENT)/python -m coverage report; \
	exit $$tests

test-domain: environment-development ## The domain's unit tests, in seconds [ARGS=]
	@$(PYTEST) -n auto $(DOMAIN)

test-unit: environment-development ## All unit tests, the adapters on moto included, in about a minute [ARGS=]
	@$(PYTEST) -n auto tests/unit

test-site: $(NODE_MODULES) ## The site's scripts that need no page, by Node's own test runner
	@node --test tests/site >/dev/null || node --test tests/site

test-spark: environment-development environment-emr ## The EMR steps on a local Spark
	@$(DEVELOPMENT)/python -m operations.tools java
	@$(PYTEST) tests/spark

test-infrastructure: environments ## Terraform, SAM, event files, and what a deployment leaves
	@$(DEVELOPMENT)/python -m operations.tools java terraform
	@$(PYTEST) tests/infrastructure

test-integration: environments ## The whole flow and its failures on a local AWS of their own
	@$(DEVELOPMENT)/python -m operations.tools java terraform
	@$(PYTEST) tests/integration

test-browser: environments $(NODE_MODULES) ## The site in Chromium
	@$(DEVELOPMENT)/python -m operations.tools java terraform chromium
	@$(PYTEST) tests/browser

openapi: environment-development ## Write docs/openapi.json from the API's routes
	@$(DEVELOPMENT)/python -m operations.openapi

permissions: environment-development ## Write docs/permissions.md from Terraform's plan and the code
	@$(DEVELOPMENT)/python -m operations.tools terraform
	@$(DEVELOPMENT)/python -m operations.permissions

lint: environment-development ## Style of Python and Terraform files, and the import rules of pyproject.toml
	@$(DEVELOPMENT)/ruff check --quiet $(CHECKED)
	@$(DEVELOPMENT)/ruff format --check --quiet $(CHECKED) || { echo "Some files are not formatted: run 'make format'." >&2; exit 1; }
	@report=$$(PYTHONPATH=layer:emr_steps:. $(DEVELOPMENT)/lint-imports --no-cache 2>&1) || { echo "$$report" >&2; exit 1; }
	@$(DEVELOPMENT)/python -m operations.tools terraform
	@terraform fmt -check -recursive terraform >/dev/null 2>&1 || { echo "Some Terraform files are not formatted: run 'make format'." >&2; exit 1; }

types: environment-development $(NODE_MODULES) ## Types of all Python and of the site's scripts, strictly
	@$(DEVELOPMENT)/mypy $(CHECKED)
	@node_modules/.bin/tsc --project .

format: environment-development ## Put Python and Terraform files into shape
	@$(DEVELOPMENT)/ruff check --quiet --fix $(CHECKED)
	@$(DEVELOPMENT)/ruff format --quiet $(CHECKED)
	@terraform fmt -recursive terraform

coverage: environment-development ## Coverage of the last test run, branches included, as pages in htmlcov/
	@$(DEVELOPMENT)/python -m coverage html --quiet
	@$(DEVELOPMENT)/python -m coverage report

benchmark: environment-development ## Run one benchmark: NAME=<name> [DATA=<path> OPTIONS='--forms 1000']; without NAME, list them
	@$(DEVELOPMENT)/python -m benchmarks $(NAME) $(if $(DATA),'$(DATA)') $(OPTIONS)

screenshots: environment-development ## Every view at three widths, light and dark, of a running deployment
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
	rm -rf $(VENVS) .local .aws-sam .coverage .coverage.* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
