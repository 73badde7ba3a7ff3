# `make` alone prints the targets from the comments beside them.
# Needs make and Python 3.11 or newer; everything else is installed into .venv, pinned by hash.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
KAFKA := .cache/kafka
PURE := model book analytics compliance strategy live

# What `make test` leaves out, because it takes a server, a browser or a night.
MARKS ?= not cluster and not kafka and not redis and not browser and not night
PROFILE ?= ci
COVER_MIN ?= 95
ARGS ?=

# Bytecode makes the second start quick; pyright must not look for a newer version of itself.
unexport PYTHONDONTWRITEBYTECODE
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo serve test test-all test-cluster night kafka laws check format bench coverage lock clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(READY) ## Start Tidebook with example portfolios
	@$(BIN)/tidebook demo $(ARGS)

serve: $(READY) ## Start Tidebook on your own data
	@$(BIN)/tidebook serve $(ARGS)

test: $(READY_DEV) ## Run the tests that need nothing installed (MARKS="...", ARGS="-k lots")
	@status=0; $(BIN)/python -m pytest -m "$(MARKS)" $(ARGS) || status=$$?; \
	if [ -n "$(STATUS)" ]; then echo $$status > "$(STATUS)"; fi; exit $$status

test-all: kafka ## Run every test but those for the night
	@$(MAKE) --no-print-directory test MARKS="not night"

test-cluster: kafka ## Run the tests that need PostgreSQL, Kafka and Redis servers
	@$(MAKE) --no-print-directory test MARKS="(cluster or kafka or redis) and not night"

night: kafka ## Run what takes hours, and show how it goes (ARGS="-k kill")
	@$(MAKE) --no-print-directory test MARKS=night ARGS="-s $(ARGS)"

kafka: $(KAFKA)/.ready ## Fetch Apache Kafka for the tests (needs Java 17 and Maven; once)

$(KAFKA)/.ready: tests/fixtures/kafka/pom.xml
	@command -v mvn >/dev/null && command -v java >/dev/null || { \
		echo "Java 17 and Maven were not found." \
			"On Debian and Ubuntu: apt-get install openjdk-17-jre-headless maven" >&2; exit 1; }
	@echo "Fetching Apache Kafka from Maven Central (once)"
	@rm -rf $(KAFKA)
	@mvn --batch-mode --quiet --file $< dependency:copy-dependencies -DincludeScope=runtime \
		-DoutputDirectory="$(CURDIR)/$(KAFKA)" || { \
		echo "Kafka could not be fetched from Maven Central" >&2; exit 1; }
	@touch $@

laws: $(READY_DEV) ## Run the property tests longer (PROFILE=dev, ci or night)
	@$(BIN)/python -m pytest tests/laws --hypothesis-profile=$(PROFILE) $(ARGS)

check: $(READY_DEV) ## Check format, style, types, layers and house rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -q tests/house

format: $(READY_DEV) ## Format the code and repair what can be repaired safely
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY_DEV) ## Measure (ROW=name for one line of the table; PEERS=1 fetches peers)
	@$(BIN)/python -m bench $(if $(ROW),--row $(ROW)) $(if $(PEERS),--peers) $(ARGS)

coverage: $(READY_DEV) ## Measure branch coverage; the pure folders must reach COVER_MIN percent
	@$(BIN)/python -m pytest -q -m "$(MARKS)" --cov --cov-report= $(ARGS)
	@$(BIN)/coverage report --fail-under=0
	@echo "Pure folders:"
	@$(BIN)/coverage report --fail-under=$(COVER_MIN) \
		--include="$$(for part in $(PURE); do printf 'src/tidebook/%s/*,' $$part; done)"

lock: export UV_CUSTOM_COMPILE_COMMAND := make lock
lock: $(READY_DEV) ## Pin the dependencies anew (ARGS=--upgrade for newer ones)
	@unset PIP_FIND_LINKS UV_FIND_LINKS; \
	$(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 \
		--generate-hashes --quiet --output-file requirements.txt $(ARGS) && \
	$(BIN)/uv pip compile pyproject.toml --all-extras --group build --group dev --constraints requirements.txt \
		--universal --python-version 3.11 --generate-hashes --quiet \
		--output-file requirements-dev.txt $(ARGS) && \
	$(BIN)/uv pip compile pyproject.toml --extra kafka --extra redis --extra tracing --group build \
		--constraints requirements-dev.txt --universal --python-version 3.11 --generate-hashes --quiet \
		--output-file requirements-server.txt $(ARGS)

clean: ## Remove .venv, caches and build results; never a data directory
	@rm -rf $(VENV) build dist htmlcov .coverage coverage.xml .pytest_cache .ruff_cache \
		.hypothesis .import_linter_cache
	@find src tests bench -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV)/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) was not found. Install Python 3.11 or newer, or name one:" \
			"make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Tidebook needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
			"Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: its venv module is missing." \
			"On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) -V 2>&1)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(READY): requirements.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing what Tidebook runs on (once)"
	@$(PIP) install --quiet --require-hashes -r requirements.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(READY_DEV): requirements-dev.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing what Tidebook is developed with (once)"
	@$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY) $@
