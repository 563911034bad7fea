# `make help` says what there is. Set PYTHON to another interpreter (3.11 to 3.13) if `python3` is not one.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# The pip index that holds torch's small CPU build, where your platform's
# default build is the large GPU one (see README, "Installing").
TORCH_INDEX_URL ?=
# Where `make run` serves.
HOST ?= 127.0.0.1
PORT ?= 8000
# The ticket file of `make benchmark-accuracy`.
HAIKOU ?=

INSTALLED := $(VENV)/.installed
ENCODERS  := artifacts/encoder
ENCODER   := $(ENCODERS)/embedded/model.safetensors
TICKETS   := artifacts/sample/tickets.jsonl
MODEL     := artifacts/sample/model/manifest.json
# The artifact that `make faults` kills, besides a stub.
FAULTS_ARTIFACT ?= $(dir $(MODEL))
REGISTRY  := artifacts/sample/registry
PROMOTED  := artifacts/sample/.promoted
SAMPLE    := data/samples/beijing/catalog
SAMPLE_TICKETS ?= 4000
# What `make bench-serving` measures with; QUICK=1 only shows that all runs.
BENCH_INSTALLED := $(VENV)/.installed-bench
BENCH_TICKETS := artifacts/bench/tickets.jsonl
BENCH_POOL    := artifacts/bench/pool.jsonl
BENCH_MODEL   := artifacts/bench/model/manifest.json

.DEFAULT_GOAL := help
.PHONY: help install run test browser screenshots check format faults bench bench-places bench-desk bench-serving bench-quality benchmark-quality benchmark-accuracy benchmark-catalog bench-training benchmark-months haikou-named clean

help: ## Print this list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r name text; do printf '%-28s %s\n' "$$name" "$$text"; done
	@printf '\nVariables: PYTHON=%s VENV=%s HOST=%s PORT=%s TORCH_INDEX_URL=%s HAIKOU=%s\n' \
		'$(PYTHON)' '$(VENV)' '$(HOST)' '$(PORT)' '$(TORCH_INDEX_URL)' '$(HAIKOU)'

install: $(INSTALLED) ## Make the virtual environment and install Paidan with all it needs.

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { \
		echo "error: $(PYTHON): no such interpreter; expected Python 3.11 to 3.13. Install one, or name it:" \
			"make $(or $(MAKECMDGOALS),install) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "error: $(PYTHON) is $$($(PYTHON) --version 2>&1); expected Python 3.11 to 3.13. Name another:" \
			"make $(or $(MAKECMDGOALS),install) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "error: $(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check \
		$(if $(TORCH_INDEX_URL),--extra-index-url $(TORCH_INDEX_URL)) \
		--constraint constraints.txt --editable '.[train,dev]'
	@touch $@

run: $(INSTALLED) $(PROMOTED) ## Train the sample city and serve it on localhost:8000; what is done already is skipped.
	@PAIDAN_DATABASE_URL=sqlite:///artifacts/sample/paidan.db \
		$(BIN)/paidan serve --artifact $(REGISTRY)/current --host $(HOST) --port $(PORT) \
		$(if $(filter 127.0.0.1 ::1 localhost,$(HOST)),--sample-queue)

# A new installation is no reason to build the same things again: it comes after the bar.
$(ENCODER): | $(INSTALLED)
	$(BIN)/paidan encoder build --output $(dir $@)

$(TICKETS): $(wildcard $(SAMPLE)/*.yaml $(SAMPLE)/../phrases/*) | $(INSTALLED)
	@mkdir -p $(dir $@)
	$(BIN)/paidan sample tickets --count $(SAMPLE_TICKETS) --output $@

$(MODEL): $(TICKETS) configs/default.yaml configs/train/sample.yaml | $(ENCODER)
	PAIDAN_CACHE=$(ENCODERS) $(BIN)/paidan train --tickets $(TICKETS) --catalog $(SAMPLE) \
		--config configs/train/sample.yaml --output $(dir $@)

$(PROMOTED): $(MODEL)
	$(BIN)/paidan models promote --reason "make run" --overrule --registry $(REGISTRY) \
		$$($(BIN)/paidan models add $(dir $(MODEL)) --registry $(REGISTRY))
	@touch $@

# The tests of the pages drive a real browser. Where it cannot be had they are skipped, and pytest says so.
CHROMIUM := /usr/bin/chromium
browser:
	@test -x $(CHROMIUM) || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq \
		&& apt-get install -qq -y --no-install-recommends chromium fonts-noto-cjk >/dev/null; } || \
		echo "warning: no $(CHROMIUM): the tests of the pages will be SKIPPED. On Debian: apt install chromium" >&2

screenshots: $(INSTALLED) $(PROMOTED) browser ## Take the pictures of docs/screenshots anew, of the sample city.
	$(BIN)/python tests/browser/take_screenshots.py

test: check browser ## Set up, check the code and run every test.
	$(BIN)/pytest -q

check: $(INSTALLED) ## Check style, types, imports and dependencies.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: $(INSTALLED) ## Bring the code into shape.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

faults: $(INSTALLED) $(MODEL) ## Try in full to take the endpoint down, and write docs/benchmarks/faults.md: an hour or more; ONLY=killed (as pytest's -k) runs a piece.
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[train,dev,fuzz]'
	FAULTS=full FAULTS_ARTIFACT=$(FAULTS_ARTIFACT) $(BIN)/pytest tests/faults -v --timeout 7200 $(if $(ONLY),-k '$(ONLY)')

bench: bench-places bench-serving $(if $(HAIKOU),benchmark-accuracy) ## Run the benchmarks; with HAIKOU=FILE those on real tickets, too.

bench-places: $(INSTALLED) ## Measure how well places are found.
	$(BIN)/python -m training.bench_places

bench-serving: $(BENCH_INSTALLED) $(BENCH_MODEL) $(BENCH_POOL) ## Measure the service beside its peers, on a machine that does nothing else; WRITE=1 writes docs/benchmarks/serving.md.
	PAIDAN_CACHE=$(ENCODERS) TORCH_INDEX_URL=$(TORCH_INDEX_URL) $(BIN)/python -m training.serving_bench \
		--artifact $(dir $(BENCH_MODEL)) --pool $(BENCH_POOL) $(if $(QUICK),--quick) $(if $(WRITE),--write)

# Only this benchmark needs the peers.
$(BENCH_INSTALLED): $(INSTALLED)
	$(BIN)/python -m pip install --disable-pip-version-check \
		$(if $(TORCH_INDEX_URL),--extra-index-url $(TORCH_INDEX_URL)) \
		--constraint constraints.txt --editable '.[train,dev,bench]'
	@touch $@

$(BENCH_TICKETS) $(BENCH_POOL): $(wildcard $(SAMPLE)/*.yaml $(SAMPLE)/../phrases/*) | $(INSTALLED)
	@mkdir -p $(dir $@)
	$(BIN)/paidan sample tickets $(if $(filter $(BENCH_POOL),$@),--count 8000 --seed 11,--count 4000) --output $@

$(BENCH_MODEL): $(BENCH_TICKETS) configs/default.yaml configs/train/bench.yaml | $(ENCODER)
	PAIDAN_CACHE=$(ENCODERS) $(BIN)/paidan train --tickets $(BENCH_TICKETS) --catalog $(SAMPLE) \
		--config configs/train/bench.yaml --output $(dir $@)

bench-desk: $(INSTALLED) browser ## Measure the review desk in a browser and with 40 operators; WRITE=1 writes docs/benchmarks/desk.md.
	$(BIN)/python tests/benchmarks/bench_desk.py $(if $(WRITE),--write)

bench-quality: $(INSTALLED) ## Measure check, de-duplication and split on a million invented tickets.
	$(BIN)/python -m training.bench_quality

benchmark-quality: haikou-named $(INSTALLED) ## Measure the work list and the choice of tickets: HAIKOU=FILE.
	$(BIN)/python -m training.benchmark_quality --tickets "$(HAIKOU)"

benchmark-accuracy: haikou-named $(INSTALLED) ## Measure on real tickets: HAIKOU=FILE names them.
	$(BIN)/python -m training.benchmark_accuracy --tickets "$(HAIKOU)"

benchmark-catalog: haikou-named $(INSTALLED) ## Measure units and families that a model never saw: HAIKOU=FILE.
	$(BIN)/python -m training.benchmark_catalog --tickets "$(HAIKOU)"

benchmark-months: haikou-named $(INSTALLED) ## Retrain month by month against never: HAIKOU=FILE; goes on where it was stopped.
	$(BIN)/python -m training.benchmark_months --tickets "$(HAIKOU)"

bench-training: $(INSTALLED) $(BENCH_TICKETS) | $(ENCODER) ## Measure our fine-tuning beside a plain transformers Trainer.
	PAIDAN_CACHE=$(ENCODERS) $(BIN)/python -m training.bench_trainer --tickets $(BENCH_TICKETS)

haikou-named:
	@test -n "$(HAIKOU)" || { \
		echo "error: the ticket file is not named; it is not part of the project. Name yours:" \
			"make benchmark-accuracy HAIKOU=/path/to/tickets.csv.gz" >&2; exit 1; }
	@test -f "$(HAIKOU)" || { echo "error: $(HAIKOU): no such file" >&2; exit 1; }

clean: ## Remove caches, and what `make run` and the benchmark built. Your own artifacts and the environment stay.
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis $(ENCODERS) artifacts/sample artifacts/bench
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
