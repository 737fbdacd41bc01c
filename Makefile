# The two commands a newcomer needs are `make run` and `make test`.

PY := .venv/bin/python
PYTEST_FLAGS ?= -n logical --maxprocesses=4
DEMO_FLAGS ?=
FILES = git ls-files -z --cached --others --exclude-standard --

.PHONY: help
help:  ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | \
	  while IFS="$$(printf '\t')" read -r name text; do \
	    printf '  make %-11s %s\n' "$$name" "$$text"; done

.PHONY: venv
venv:  ## Makes .venv with the pinned versions; at once when it is up to date
	@tools/venv.sh $(MAKECMDGOALS)

.PHONY: run
run: venv  ## Trains, scores, exports and serves SRCNN; IMAGE=photo.png upscales yours
	@$(PY) -m trainers.demo --out=runs/demo $(if $(IMAGE),--image="$(IMAGE)") $(DEMO_FLAGS)

.PHONY: test
test: venv  ## Runs every test; PYTEST_FLAGS=... replaces the flags
	@$(PY) -m pytest $(PYTEST_FLAGS)

.PHONY: lint
lint: venv  ## Checks style, format, whitespace and file sizes
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(FILES) ':!LICENSE' | xargs -0 tools/check_text.sh
	@$(FILES) | xargs -0 tools/check_size.sh

.PHONY: format
format: venv  ## Formats the code and applies safe fixes
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

.PHONY: coverage
coverage: venv  ## Prints the lines that no test reaches
	@$(PY) -m coverage run -m pytest
	@$(PY) -m coverage report

.PHONY: benchmark
benchmark: venv  ## Prints the speed of the losses beside their peers
	@$(PY) -m benchmarks.losses

.PHONY: wheel
wheel: venv  ## Builds dist/*.whl
	@rm -rf build dist
	@$(PY) -m build --wheel --no-isolation --outdir=dist

.PHONY: bazel-test
bazel-test: venv  ## Builds and tests all BUILD targets with the Python of .venv
	@tools/bazel_test.sh

.PHONY: clean
clean:  ## Removes what make has made, but not runs/
	@rm -rf .venv .venv-* build dist *.egg-info bazel-* .pytest_cache .ruff_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
