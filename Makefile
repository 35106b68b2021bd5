# Every task of Marquee. `make` alone lists them; ENV chooses the deployment (default: local).

ENV ?= local
SEED ?= 1
MINUTES ?= 15
# make exports what the command line sets, too: recipes quote it as the shell's "$$NAME".
export ENV PORT SEED MINUTES

SHELL := /bin/sh
VENVS := .venvs
DEVELOPMENT := $(VENVS)/development/bin
UV := $(VENVS)/uv/bin/uv
NAMES := development lambda emr sam localemu localstack benchmarks
ENVIRONMENTS := $(NAMES:%=environment-%)
# A version manager's shims run only the versions that are switched on, so uv looks here as well.
MANAGED := $(lastword $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.13*/bin \
	$(or $(ASDF_DATA_DIR),$(HOME)/.asdf)/installs/python/3.13*/bin))
OPERATE := $(DEVELOPMENT)/python -m operations
SOURCES := layer functions emr_steps catalogue local_aws operations tests benchmarks
CHECKED = $(wildcard $(SOURCES))

# What a local deployment runs in.
RUNTIMES = $(filter environment-development environment-lambda environment-emr environment-sam environment-$(or $(EMULATOR),localemu),$(ENVIRONMENTS))

.DEFAULT_GOAL := help
.PHONY: help $(ENVIRONMENTS)

help: ## List every task
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-20s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\nENV=<name> acts on that AWS deployment instead of this machine; PORT=<port> starts the local AWS on that port;\nEMULATOR=localstack runs it on LocalStack, which does not enforce IAM, instead of LocalEmu.\n'

##@ On this machine (ENV=local) or on AWS (ENV=<name>)
.PHONY: local stop site-url api-url texts flow import drops export train posters evaluate status report logs cancel redrive rollback rollback-model rollback-data invoke
local: $(RUNTIMES) ## Start everything on this machine, train a model, print the addresses
	@$(OPERATE) local

stop: environment-development ## Stop the local AWS and leave nothing behind
	@$(OPERATE) stop

site-url: environment-development ## Print the site's address
	@$(OPERATE) site-url

api-url: environment-development ## Print the API's address
	@$(OPERATE) api-url

texts: environment-development ## Show the texts "sent" by the local AWS
	@$(OPERATE) texts

flow: environment-development ## Submit a questionnaire and follow it to the text [FILE= SEED= PHONE= TIMES=1]
	@$(OPERATE) flow --seed "$$SEED" $(if $(FILE),--file "$$FILE") $(if $(PHONE),--phone "$$PHONE") $(if $(TIMES),--times)

import: environment-development ## Import ratings as the active data set, and train: DATA=<path> [NAME= SCALE= APPEND=1: add to the active one CHECK=1: only look FORCE=1]
	@$(if $(DATA),,echo "DATA is not set: set it to a folder, archive or file of ratings, as in make import DATA=path/to/ratings" >&2; exit 1;) \
	$(OPERATE) import $(if $(NAME),--name "$$NAME") $(if $(SCALE),--scale "$$SCALE") $(if $(APPEND),--append) $(if $(CHECK),--check) $(if $(FORCE),--force) -- "$$DATA"

drops: environment-development ## Add the ratings that another system has put below incoming/ in the ratings bucket
	@$(OPERATE) drops

export: environment-development ## Download the active ratings and movies as MovieLens csv: INTO=<folder>
	@$(if $(INTO),,echo "INTO is not set: set it to a new folder, as in make export INTO=path/to/folder" >&2; exit 1;) \
	$(OPERATE) export -- "$$INTO"

train: environment-development ## Train on the active data set and visitors' ratings [ALL_VISITORS=1]
	@$(OPERATE) train $(if $(ALL_VISITORS),--all-visitors)

posters: environment-development ## Fetch the movies' posters from TMDB for the site to show: KEY_FILE=<file> [REMOVE=1]
	@$(OPERATE) posters $(if $(KEY_FILE),--key-file "$$KEY_FILE") $(if $(REMOVE),--remove)

evaluate: environment-development ## Measure models on held-out ratings: DATA=<path> [MODELS=a,b SPLIT= SEED=1 NAME= JSON=1]
	@$(if $(DATA),,echo "DATA is not set: set it to a folder, archive or file of ratings, as in make evaluate DATA=path/to/ratings" >&2; exit 1;) \
	$(OPERATE) evaluate --seed "$$SEED" $(if $(MODELS),--models "$$MODELS") $(if $(SPLIT),--split "$$SPLIT") \
		$(if $(NAME),--name "$$NAME") $(if $(JSON),--json) -- "$$DATA"

status: environment-development ## Show model, cluster, steps, queues and dead letters
	@$(OPERATE) status

report: environment-development ## Write a page: visitors' story in numbers, models, live error, alarms [DAYS=14 FILE=]
	@$(OPERATE) report $(if $(DAYS),--days "$$DAYS") $(if $(FILE),--file "$$FILE")

logs: environment-development ## Show what the functions logged [FUNCTION= MINUTES=15], or a step: STEP=<id or name>
	@$(OPERATE) logs --minutes "$$MINUTES" $(if $(FUNCTION),--function "$$FUNCTION") $(if $(STEP),--step "$$STEP")

cancel: environment-development ## Cancel the cluster's steps, except those that serve visitors [STEP=<id or name>]
	@$(OPERATE) cancel $(if $(STEP),--step "$$STEP")

redrive: environment-development ## Move dead letters back to their queues; drop dead sweeps
	@$(OPERATE) redrive

rollback: environment-development ## Return the functions to their previous release, until the next deploy
	@$(OPERATE) rollback

rollback-model: environment-development ## Publish a kept model again: the previous one or MODEL=<id>
	@$(OPERATE) rollback-model $(if $(MODEL),--model "$$MODEL")

rollback-data: environment-development ## Make the former ratings and their model active again; a second call switches forward
	@$(OPERATE) rollback-data

invoke: environment-development environment-sam ## Run one function in a container: FUNCTION=<name> EVENT=events/<name>.json
	@$(if $(and $(FUNCTION),$(EVENT)),,echo "Set FUNCTION and EVENT, as in make invoke FUNCTION=ingest EVENT=events/ingest.json" >&2; exit 1;) \
	$(DEVELOPMENT)/python -m operations.invoke "$$FUNCTION" "$$EVENT"

##@ On AWS
.PHONY: preflight cost cost-page bootstrap plan deploy renew unlock drift deployer-policy destroy
preflight: environment-development ## List what would stop a deployment, and how to fix it; changes nothing [JSON=1]
	@$(OPERATE) preflight $(if $(JSON),--json)

cost: environment-development ## Estimate a deployment's monthly cost; needs no account [JSON=1 PLAN=<terraform show -json>]
	@$(OPERATE) cost $(if $(JSON),--json) $(if $(PLAN),--plan "$$PLAN")

cost-page: environment-development ## Update the cost table in docs/deploy.md
	@$(DEVELOPMENT)/python -m operations.cost

bootstrap: environment-development ## Create the bucket for Terraform's state (once)
	@$(OPERATE) bootstrap

plan: environment-development ## Show what Terraform would change
	@$(OPERATE) plan

deploy: environment-development environment-sam ## Make the account match the work tree
	@$(OPERATE) deploy

renew: environment-development environment-sam ## Replace the cluster after its steps end; visitors are served throughout
	@$(OPERATE) renew

unlock: environment-development ## Remove the lock that a killed Terraform left on its state [FORCE=1: of another machine, too]
	@$(OPERATE) unlock $(if $(FORCE),--force)

drift: environment-development ## List differences between the account and the work tree; changes nothing, fails if there are any
	@$(OPERATE) drift

deployer-policy: environment-development ## Print the permissions that deploying needs, as JSON [PART= BOUNDARY=1 READ_ONLY=1]
	@$(OPERATE) deployer-policy $(if $(PART),--part "$$PART") $(if $(BOUNDARY),--boundary) $(if $(READ_ONLY),--read-only)

destroy: environment-development ## Destroy the whole deployment, after asking for its name (YES=1 skips that)
	@$(OPERATE) destroy

.PHONY: rehearse
rehearse: environments ## Deploy, use, change, roll back and destroy an empty ENV; writes a report [REPORT= KEEP=1]
	@$(OPERATE) rehearse $(if $(REPORT),--report "$$REPORT") $(if $(KEEP),--keep)

# What checks the site (TypeScript's compiler, Biome, axe-core) comes from npm by package-lock.json.
NODE_MODULES := node_modules/.package-lock.json
$(NODE_MODULES): package-lock.json | environment-development
	@$(DEVELOPMENT)/python -m operations.tools node
	@npm ci --silent
	@touch $@

##@ Tests and checks
.PHONY: openapi permissions test test-domain test-unit test-site test-spark test-infrastructure test-integration test-browser lint types format coverage benchmark screenshots icons
# ARGS go to pytest, as in make test-unit ARGS='-k fold_in -x'.
PYTEST := $(DEVELOPMENT)/python -m pytest $(ARGS)
# Each process takes the next module, in the order of tests/conftest.py, and has a deployment of its
# own for the integration and browser tests.
TWO_PROCESSES := -n 2 --dist loadscope --no-loadscope-reorder
DOMAIN := $(wildcard tests/unit/test_*.py) $(addprefix tests/unit/,learning recommender requests serving)

test: environments tools lint types test-site ## Everything: lint, types, then all tests with coverage
	@$(PYTEST) $(TWO_PROCESSES) --cov --cov-report= --durations=25 --durations-min=5 tests; \
	tests=$$?; \
	$(DEVELOPMENT)/python -m coverage report; \
	exit $$tests

test-domain: environment-development ## The domain's unit tests, in seconds [ARGS=]
	@$(PYTEST) -n auto $(DOMAIN)

test-unit: environment-development ## All unit tests, the adapters on moto included [ARGS=]
	@$(PYTEST) -n auto tests/unit

test-site: $(NODE_MODULES) ## Test the site's scripts that need no page, with Node's test runner
	@node --test tests/site >/dev/null || node --test tests/site

test-spark: environment-development environment-emr ## Test the EMR steps on a local Spark
	@$(DEVELOPMENT)/python -m operations.tools java
	@$(PYTEST) tests/spark

test-infrastructure: environments ## Test Terraform, SAM, event files, and what a deployment leaves behind
	@$(DEVELOPMENT)/python -m operations.tools java terraform
	@$(PYTEST) tests/infrastructure

test-integration: environments ## Test the whole flow and its failures on a separate local AWS
	@$(DEVELOPMENT)/python -m operations.tools java terraform
	@$(PYTEST) tests/integration

test-browser: environments $(NODE_MODULES) ## Test the site in Chromium
	@$(DEVELOPMENT)/python -m operations.tools java terraform chromium
	@$(PYTEST) tests/browser

openapi: environment-development ## Write docs/openapi.json from the API's routes
	@$(DEVELOPMENT)/python -m operations.openapi

permissions: environment-development ## Write docs/permissions.md from Terraform's plan and the code
	@$(DEVELOPMENT)/python -m operations.tools terraform
	@$(DEVELOPMENT)/python -m operations.permissions

lint: environment-development $(NODE_MODULES) ## Check the style of Python, Terraform and the site, and the import rules of pyproject.toml
	@$(DEVELOPMENT)/ruff check --quiet $(CHECKED)
	@$(DEVELOPMENT)/ruff format --check --quiet $(CHECKED) || { echo "Some files are not formatted: run 'make format'." >&2; exit 1; }
	@report=$$(PYTHONPATH=layer:emr_steps:. $(DEVELOPMENT)/lint-imports --no-cache 2>&1) || { echo "$$report" >&2; exit 1; }
	@$(DEVELOPMENT)/python -m operations.tools terraform
	@terraform fmt -check -recursive terraform >/dev/null 2>&1 || { echo "Some Terraform files are not formatted: run 'make format'." >&2; exit 1; }
	@node_modules/.bin/biome check --error-on-warnings >/dev/null 2>&1 || node_modules/.bin/biome check --error-on-warnings

types: environment-development $(NODE_MODULES) ## Check the types of all Python and of the site's scripts, strictly
	@$(DEVELOPMENT)/mypy $(CHECKED)
	@node_modules/.bin/tsc --project .

format: environment-development $(NODE_MODULES) ## Format Python and Terraform files, and the site's scripts and styles
	@$(DEVELOPMENT)/ruff check --quiet --fix $(CHECKED)
	@$(DEVELOPMENT)/ruff format --quiet $(CHECKED)
	@terraform fmt -recursive terraform
	@node_modules/.bin/biome check --write

coverage: environment-development ## Write the last test run's coverage, branches included, to htmlcov/
	@$(DEVELOPMENT)/python -m coverage html --quiet
	@$(DEVELOPMENT)/python -m coverage report

benchmark: environment-development ## Run one benchmark: NAME=<name> [DATA=<path> OPTIONS='--forms 1000']; without NAME, list them
	@$(DEVELOPMENT)/python -m benchmarks $(NAME) $(if $(DATA),"$$DATA") $(OPTIONS)

screenshots: environment-development ## Screenshots of every view of a running deployment, in five sizes, light, dark and in forced colours
	@$(DEVELOPMENT)/python -m operations.tools chromium
	@$(DEVELOPMENT)/python -m tests.browser.screenshots "$$($(OPERATE) site-url)"

icons: environment-development ## Draw the site's PNG icons from site/icon.svg, after it has changed
	@$(DEVELOPMENT)/python -m operations.tools chromium
	@$(DEVELOPMENT)/python -m tests.browser.icons

##@ Housekeeping
.PHONY: environments tools lock hooks clean
environments: $(filter-out environment-benchmarks,$(ENVIRONMENTS)) ## Build all Python environments from their lock files

# uv builds each Python environment, and again when its lock file has changed. It finds Python 3.13
# or downloads it; UV_PYTHON=<path> names one. It compiles all modules to bytecode: the emulator, its
# functions and steps write none, so without it each of their processes compiles what it imports.
$(ENVIRONMENTS): environment-%: $(VENVS)/%/.compiled

$(NAMES:%=$(VENVS)/%/.compiled): $(VENVS)/%/.compiled: requirements/%.lock | $(UV)
	@echo "Building the Python environment $*" >&2
	@PATH="$$PATH:$(MANAGED)" $(UV) venv --quiet --allow-existing --python 3.13 $(@D) || { \
		echo "Python 3.13 is needed, and uv neither found nor could download it: install it, or name one with UV_PYTHON=/path/to/python3.13." >&2; exit 1; }
	@$(UV) pip sync --quiet --require-hashes --compile-bytecode --python $(@D) $<
	@touch $@

$(UV): requirements/uv.lock
	@sh operations/install_uv.sh $(VENVS)/uv
	@touch -h $@

tools: environment-development
	@$(DEVELOPMENT)/python -m operations.tools java terraform chromium openblas

lock: environment-development $(UV) ## Update the hashed lock files from requirements/*.in [UPGRADE=1]
	@$(DEVELOPMENT)/python -m operations.locks

hooks: environment-development ## Install hooks that check each commit before it is made
	@$(DEVELOPMENT)/pre-commit install

clean: ## Delete environments, state and build output (run 'make stop' first)
	@test ! -e .local/local/local_aws.json || { echo "The local AWS is running: run 'make stop' first." >&2; exit 1; }
	rm -rf $(VENVS) .local .aws-sam .coverage .coverage.* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
