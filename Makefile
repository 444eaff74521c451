# Two commands: `make demo` runs the main job, `make test` passes the tests. The rest is for developers.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCKED := $(VENV)/.locked
DEMO_OUT ?= demo-run
PYTEST := $(BIN)/python -m pytest

.PHONY: demo gate test test-all test-trial check lint types arrows coverage coverage-report docs validation trial-validation mutation lock clean help

help:  ## say what the targets do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

# A new lock makes the environment anew: an old one may belong to another Python.
$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "sumdiam needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --only-binary :all: --requirement requirements.lock
	@touch $(LOCKED)

$(READY): $(LOCKED) pyproject.toml
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -c 'from measurement.compiled import compile_all; compile_all()'
	@touch $(READY)

demo: $(READY)  ## image a part of the simulated trial, run the main job on it, end with the path of its report
	$(BIN)/sumdiam demo --trial soramic --patients 16 --short --out $(DEMO_OUT)

gate: $(READY)  ## check the tables that the demo's run printed against themselves (after make demo)
	SUMDIAM_DEMO_RUN=$(abspath $(DEMO_OUT))/run $(PYTEST) -q tests/system/test_release_gate.py

test: $(READY)  ## run the tests (real data at SUMDIAM_SHARED, default ../shared)
	$(PYTEST) -n 2 -m "not slow"

test-all: $(READY)  ## run the slow tests as well
	$(PYTEST) -n 2

test-trial: $(READY)  ## run the tests of whole runs on all 24 subjects of the demo (half an hour)
	SUMDIAM_WHOLE_TRIAL=true $(PYTEST) -v tests/system/test_dependable.py tests/system/test_person.py

check: lint types arrows  ## lint, types, arrows

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

arrows: $(READY)
	$(BIN)/lint-imports

COVER := --cov=assessment --cov=measurement --cov-branch --cov-report=
coverage: $(READY)  ## branch coverage of assessment and measurement, at least 95 % each
	COVERAGE_FILE=.coverage.compiled $(PYTEST) -q -n 2 -m "not slow" $(COVER) tests/assessment tests/measurement
	$(MAKE) coverage-report

# Coverage does not see compiled code: small cases run interpreted, the rest compiled; both count.
coverage-report: $(READY)
	COVERAGE_FILE=.coverage.interpreted NUMBA_DISABLE_JIT=1 $(PYTEST) -q -m "not slow" $(COVER) \
	    tests/measurement/test_small_cases.py tests/measurement/test_chord.py
	$(BIN)/coverage combine -q .coverage.interpreted .coverage.compiled
	$(BIN)/coverage report --include='measurement/*' --fail-under=95
	$(BIN)/coverage report --include='assessment/*' --fail-under=95

docs: $(READY)  ## write docs/tables.md and docs/flags.md from the schemas and the code
	$(BIN)/python -m sumdiam.export.table_docs docs/tables.md
	$(BIN)/python -m sumdiam.export.flag_docs docs/flags.md

SERIES ?= $(or $(SUMDIAM_SHARED),../shared)/data/hcc_tace_hcc048_portal
VALIDATION_ROWS ?= validation-rows.csv
VALIDATION_SEED ?= 7000
VALIDATION_WORKERS ?= $(shell nproc)
validation: $(READY)  ## write docs/validation.md: lesions planted in a real CT (hours; goes on where it ended)
	$(BIN)/python -m benchmarks.planted_table --series $(SERIES) --seed $(VALIDATION_SEED) \
	    --rows $(VALIDATION_ROWS) --workers $(VALIDATION_WORKERS) --out docs/validation.md

TRIALS ?= trial-run
trial-validation: $(READY)  ## write the part of docs/validation.md on the simulated trial (TRIALS: folders of its runs)
	$(BIN)/python -m benchmarks.trial_table $(TRIALS) --out docs/validation.md

MUTATION_SESSION ?= mutation-session.csv
mutation: $(READY)  ## write docs/mutation.md: is each small change of the assessment noticed? (goes on where it ended)
	nice -n 15 $(BIN)/python -m benchmarks.mutation --session $(MUTATION_SESSION) --report docs/mutation.md

lock:  ## pin the newest versions that pyproject.toml allows
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-lock/bin/python -m pip install --quiet --only-binary :all: 'hatchling' 'editables'
	$(VENV)-lock/bin/python -m pip install --quiet --only-binary :all: --no-build-isolation '.[test,lint,build]'
	{ sed -n '/^#/p' requirements.lock; $(VENV)-lock/bin/python -m pip freeze --exclude sumdiam --exclude pip; } > requirements.new
	mv requirements.new requirements.lock && rm -rf $(VENV)-lock build

clean:  ## remove what the targets made
	rm -rf $(VENV) $(VENV)-lock $(DEMO_OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
