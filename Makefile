# Everything a clone needs, one line each. `make` alone lists it.
# Needs Python 3.11 or newer and the package index; say which Python with `make setup PYTHON=python3.12`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench bench-averaged bench-feedback bench-find bench-forecast bench-forecast-own bench-sweep bench-time-to-decay lab soak lint clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## build .venv with the pinned versions of everything

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "make setup needs Python 3.11 or newer, got $$($(PYTHON) --version 2>&1 | tail -n 1) as \`$(PYTHON)\`. Name another one: make setup PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install --no-deps timm==1.0.31  # for its schedulers alone: what else it needs brings a CUDA torch
	@touch $@

demo: $(STAMP)  ## find a peak rate on mnist1d, then compare six decays, each at its own peak
	$(BIN)/lrdecay find mnist1d
	$(BIN)/lrdecay compare mnist1d \
	  -s 'constant(peak)' \
	  -s 'step(peak, factor=0.1, every="40%")' \
	  -s 'exponential(peak, factor=0.01, every="100%")' \
	  -s 'inverse_time(peak, rate=9, every="100%")' \
	  -s 'linear(peak)' \
	  -s 'cosine(peak)' \
	  --seeds 5 --out lrdecay-report

test: lint  ## lint, then every test and every example in a docstring
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak and not bench"

lint: $(STAMP)  ## style, import contract and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(STAMP)  ## time the hot paths
	$(BIN)/python bench/schedules.py

bench-averaged: $(STAMP)  ## what averaged weights say of cooldowns, against real ones: some 8 CPU-minutes; run again to go on
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.averaged_forecast

bench-feedback: $(STAMP)  ## false alarms and delays of the plateau rules, some 15 minutes; CURVES=FOLDER adds real traces
	$(BIN)/python -m bench.feedback $(if $(CURVES),--curves $(CURVES))

# fastai without what it depends on: torchvision would bring a CUDA torch, and its finder uses none of it
bench-find: $(STAMP)  ## measure find against the real finders, an hour or two; stop it and run it again to go on
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[bench]'
	$(BIN)/python -m pip install -q -c constraints.txt --no-deps fastai fastcore fastdownload fastprogress fasttransform
	$(BIN)/python -m bench.rangetest --out bench-results

bench-forecast: $(STAMP)  ## time fitting loss-curve laws and predicting many schedules: about a CPU-minute
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.forecast

bench-forecast-own: $(STAMP)  ## what forecasts of our own runs are worth: some 4 CPU-minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.forecast_own

bench-sweep: $(STAMP)  ## measure what sharing saves, against a plain loop and Ray Tune: some 25 CPU-minutes
	$(BIN)/python -m pip install -q -c constraints.txt 'ray[tune]' psutil
	$(BIN)/python -m bench.sweep

bench-time-to-decay: $(STAMP)  ## measure whether a plateau means that it is time to decay: some 10 minutes
	$(BIN)/python -m bench.time_to_decay

lab: $(STAMP)  ## run every experiment of the lab at scale full, and time it; stop it and run it again to go on
	@began=$$(date +%s); $(BIN)/lrdecay lab run all --scale full && echo "make lab: $$(( $$(date +%s) - began )) s"

soak: $(STAMP)  ## the long runs that `make test` leaves out
	$(BIN)/python -m pytest -m soak

clean:  ## remove caches and the demo's report; the environment stays (rm -r .venv)
	rm -rf lrdecay-report dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
