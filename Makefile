# The two commands a newcomer needs are `make run` and `make test`.

PY := .venv/bin/python
# Weights that do not come with the package; `make weights` fetches those that
# tests need.
export TFPERCEPT_WEIGHTS ?= $(CURDIR)/.weights
# Workers keep to neighbouring tests, which share what their modules set up.
PYTEST_FLAGS ?= -n logical --maxprocesses=4 --dist=worksteal
DEMO_FLAGS ?=
FUZZ_SECONDS ?= 60
SERVING_FLAGS ?=
# Documents whose commands need no server; `make test-serving` runs the other one's.
WITHOUT ?=
DOCS = $(filter-out docs/guides/serving.md $(WITHOUT),$(wildcard *.md docs/*.md docs/*/*.md))
# Where the wheel is tried beside Python 3.11: by the oldest and the newest all of
# it, by those between only what needs no TensorFlow.
EXTREMES = 3.10 3.13
BETWEEN = 3.12
FILES = git ls-files -z --cached --others --exclude-standard --
# Left out is what says nothing of Keras: tests of the checks themselves, other
# borders, which have no layers of their own, golden values once more in float64,
# checks of mathematics and of TensorFlow's switches alone, which the same code passes
# on Keras 2; and conformance of two more distances of VGG-16, which is that of LPIPS
# but slower.
KERAS3_PART = not broken and not mirrored_borders and not float64 and \
  not second_derivatives and not fused_equals and not differences and \
  not single_precision and not symmetry_as and not never_negative and \
  not rises_with and not map_is_local and not every_size and not nan_stays and \
  not infinity_stays and not agree_with_tensorflow and not are_the_authors and \
  not every_switch and not scorecard and \
  not xla_equals and not dists- and not watson_vgg-
KERAS3_TESTS = tests/conformance tests/distances tests/losses_test.py \
  tests/metrics_test.py tests/callbacks_test.py tests/loss_files_test.py \
  tests/ops/backend_test.py tests/registry_test.py tests/saved_losses_test.py

.PHONY: help
help:  ## Lists the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | \
	  while IFS="$$(printf '\t')" read -r name text; do \
	    printf '  make %-12s %s\n' "$$name" "$$text"; done

.PHONY: venv
venv:  ## Makes .venv with the pinned versions; at once when it is up to date
	@tools/venv.sh $(MAKECMDGOALS)

.PHONY: run
run: venv  ## Trains, scores and exports SRCNN; IMAGE=photo.png upscales yours
	@TF_CPP_MIN_LOG_LEVEL=$${TF_CPP_MIN_LOG_LEVEL:-3} $(PY) -m trainers.demo --out=runs/demo $(if $(IMAGE),--image="$(IMAGE)") $(DEMO_FLAGS)

.PHONY: test
test: venv  ## Runs every test; PYTEST_FLAGS=... replaces the flags
	@$(PY) -m pytest $(PYTEST_FLAGS)

.PHONY: test-keras3
test-keras3: .venv-keras3/ready wheel  ## Installs the wheel alone on Keras 3 and tests the losses there
	@.venv-keras3/bin/python -m pip install -qq --no-deps --force-reinstall dist/*.whl
	@.ci/test_installed .venv-keras3 -n logical --maxprocesses=4 --dist=worksteal -k "$(KERAS3_PART)" $(KERAS3_TESTS)

.PHONY: test-wheel
test-wheel: $(EXTREMES:%=test-wheel-%) $(BETWEEN:%=test-codec-%)  ## Likewise, in short, on each other Python that is at hand

test-wheel-%: wheel
	@.ci/wheel_on $* codec losses

test-codec-%: wheel
	@.ci/wheel_on $* codec

.PHONY: test-clusters
test-clusters: .venv-clusters/ready  ## Kills an executor of a small Spark cluster, and a worker of a Dask one, at work
	@PYTHONPATH=$$(echo .venv-clusters/lib/python3*/site-packages) TF_CPP_MIN_LOG_LEVEL=3 $(PY) -m pytest -q tests/pipelines/clusters_test.py

.PHONY: test-serving
test-serving: .venv-serving/ready  ## Asks a Triton server and KServe's SDK, kills the server, runs the commands of docs/guides/serving.md
	@PYTHONPATH=$$(echo $(CURDIR)/.venv-serving/lib/python3*/site-packages) TF_CPP_MIN_LOG_LEVEL=3 $(PY) -m pytest -q $(SERVING_FLAGS) tests/serving/triton_test.py tests/serving/kserve_server_test.py
	@PYTHONPATH=$$(echo $(CURDIR)/.venv-serving/lib/python3*/site-packages) TF_CPP_MIN_LOG_LEVEL=3 $(PY) tools/run_docs.py docs/guides/serving.md

.PHONY: litert
litert: .venv-litert/ready  ## Makes .venv-litert, whose Python tests ask for by name

.PHONY: web
web: venv  ## Builds web/dist, a page that shows .tfp files; npm fetches LiteRT.js once
	@TF_CPP_MIN_LOG_LEVEL=3 tools/web.sh

.PHONY: weights
weights: .weights/ready  ## Fetches VGG-16 (60 MB) into .weights, where make looks for weights

.PHONY: lint
lint: venv  ## Checks style, format, types, whitespace and file sizes
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy --no-error-summary
	@$(FILES) ':!LICENSE' | xargs -0 tools/check_text.sh
	@$(FILES) | xargs -0 tools/check_size.sh

.PHONY: format
format: venv  ## Formats the code and applies safe fixes
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

.PHONY: docs
docs: venv  ## Runs the commands in the documents; `make test-serving` runs those of servers
	@$(PY) tools/run_docs.py $(DOCS)

.PHONY: site
site: .venv-site/ready  ## Builds the documents and the docstrings into site/
	@NO_MKDOCS_2_WARNING=1 .venv-site/bin/mkdocs build --strict --clean

.PHONY: coverage
coverage: venv  ## Prints the lines that no test reaches
	@$(PY) -m coverage run -m pytest
	@$(PY) -m coverage report

.PHONY: fuzz
fuzz: venv  ## Looks a minute for files that break the decoder; FUZZ_SECONDS=600 longer
	@TF_CPP_MIN_LOG_LEVEL=3 $(PY) -m tests.fuzz.decoders -verbosity=0 -print_final_stats=1 -max_total_time=$(FUZZ_SECONDS)

LONG_RUN ?= photo_mse
.PHONY: long-run
long-run: venv  ## Trains the codec for photographs for days; goes on where it was stopped
	@TF_CPP_MIN_LOG_LEVEL=3 tools/long_run.sh $(LONG_RUN)

.PHONY: snapshot
snapshot: venv  ## Keeps the weights of the long run in trainers/snapshots, in half precision
	@TF_CPP_MIN_LOG_LEVEL=3 $(PY) -m trainers.codec_snapshot --run=runs/long/$(LONG_RUN) --out=trainers/snapshots/$(LONG_RUN)

PICTURES ?= ../shared/data/kodak
.PHONY: codec-table
codec-table: venv  ## Prints rates of all codecs and models on PICTURES=folder; goes on where stopped
	@$(PY) -m tfpercept.cli rate-distortion $(PICTURES) --codec=all --codec=models --bpp 0.1 0.8 --bpp 0.4 1.25 --bpp 0.1 2.2 --out=runs/codec_table/$(notdir $(PICTURES:%/=%))

.PHONY: benchmark
benchmark: venv  ## Prints the speed of the losses beside their peers
	@$(PY) -m benchmarks.losses

.PHONY: wheel
wheel: venv  ## Builds dist/*.whl
	@rm -rf build dist
	@$(PY) -m build --wheel --no-isolation --outdir=dist >/dev/null
	@ls dist/*.whl

.PHONY: bazel-test
bazel-test: venv  ## Builds and tests all BUILD targets with the Python of .venv
	@tools/bazel_test.sh

.PHONY: clean
clean:  ## Removes what make has made, but not runs/
	@rm -rf .venv .venv-* build dist site web/dist web/packages *.egg-info tfpercept/codecs/bitstream/*.so bazel-* .mypy_cache .pytest_cache .ruff_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.weights/ready: | venv
	@$(PY) -m tfpercept.cli weights fetch lpips_vgg --into=$(@D)
	@touch $@

# Environments beside .venv; the stamp is written last.
.venv-%/ready: .ci/requirements-%.txt | venv
	@rm -rf $(@D)
	@$(PY) -m venv $(@D)
	@$(@D)/bin/python -m pip install -qq --disable-pip-version-check --no-compile -r $<
	@touch $@
