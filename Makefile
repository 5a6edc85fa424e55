# Saeline's one door: set-up, the pipeline, its stages, tests and benchmarks. `make help` lists it.

CONFIG ?= pipelines/demo.json5
SET ?=
ARGS ?=
WORKERS ?=
LAUNCH ?= local
SHELL := /bin/bash
.DEFAULT_GOAL := help

BIN := .build/release
# One set of flags for programs and tests, so that tests use the programs' objects. Color has to be off
# always: SwiftPM counts it among the compiler's flags and would compile everything again in a pipe.
# Debug information takes a sixth of the compiler's time; the names in backtraces do not come from it.
SWIFT_FLAGS := -c release --no-color-diagnostics --enable-index-store -debug-info-format none
TEST_FLAGS := $(SWIFT_FLAGS) --disable-testable-imports
PREFIX ?= /usr/local
OVERRIDES := $(foreach item,$(SET),--set '$(item)')
OPTIONS := --config '$(CONFIG)' $(OVERRIDES) $(ARGS)
DEMO_TEXT := .build/demo/stories.jsonl
# A Python with the peers of `make bench-peers`; empty makes one in .build/peers.
PEERS_PYTHON ?=

.PHONY: help setup build install uninstall pipeline pretokenize cache train status cancel report dry-run \
  demo-text test check counts lint format bench bench-peers bench-whole bench-scaling interop docs clean

help: ## This list.
	@echo 'Saeline trains sparse autoencoders on language-model activations.'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  CONFIG=FILE            pipeline file (default $(CONFIG))'
	@echo '  SET="section.key=v …"  settings that replace those of the file'
	@echo '  ARGS="--dry-run …"     further flags for the programs'
	@echo '  WORKERS=N              processes per stage, here or on any machine that sees the store'
	@echo '  LAUNCH=slurm           submit the stages as jobs; the section launch says what they ask for'
	@echo '  PREFIX=FOLDER          where to install (default $(PREFIX))'

setup: ## Install the C libraries that are missing (apt-get).
	@.ci/setup

build: ## Build the three programs; nothing where nothing has changed.
	@.ci/build $(BIN) $(SWIFT_FLAGS)

install: build ## Put the programs into PREFIX, with completions and pages for man.
	@.ci/install $(BIN) '$(PREFIX)'

uninstall: ## Remove what `make install` put into PREFIX.
	@.ci/install --remove '$(PREFIX)'

pipeline: build demo-text ## Text to a trained SAE and its report: the three stages in order.
	@pipelines/launch/$(LAUNCH) $(BIN) 'pretokenize cache train' '$(WORKERS)' $(OPTIONS)

pretokenize: build demo-text ## Only text to token shards.
	@pipelines/launch/$(LAUNCH) $(BIN) pretokenize '$(WORKERS)' $(OPTIONS)

cache: build ## Only token shards to activation shards.
	@pipelines/launch/$(LAUNCH) $(BIN) cache '$(WORKERS)' $(OPTIONS)

train: build ## Only activation shards to an SAE; workers share the runs of a sweep.
	@pipelines/launch/$(LAUNCH) $(BIN) train '$(WORKERS)' $(OPTIONS)

status: build ## How far the stages are, who works on them, and their jobs.
	@for stage in pretokenize cache train; do $(BIN)/saeline-$$stage stage $(OPTIONS) || exit; done
	@pipelines/launch/jobs list $(BIN)/saeline-train $(OPTIONS)

cancel: build ## Cancel the jobs that LAUNCH=slurm submitted from here; what is finished is kept.
	@pipelines/launch/jobs cancel $(BIN)/saeline-train $(OPTIONS)

report: build ## Write report.html of a finished run again.
	@$(BIN)/saeline-train report $(OPTIONS)

dry-run: build demo-text ## The bill of every stage; nothing is written.
	@$(BIN)/saeline-pretokenize $(OPTIONS) --dry-run
	@$(BIN)/saeline-cache $(OPTIONS) --dry-run
	@$(BIN)/saeline-train $(OPTIONS) --dry-run

# The demo's text is generated, never downloaded; other pipelines do not need it.
demo-text:
ifneq (,$(findstring pipelines/demo,$(CONFIG)))
	@$(MAKE) --no-print-directory $(DEMO_TEXT)
endif

.build/demo/stories: pipelines/demo/Stories.swift
	@mkdir -p $(@D)
	@swiftc -O -swift-version 6 -module-name Stories $< -o $@

$(DEMO_TEXT): .build/demo/stories
	@.build/demo/stories --output $@ --seed 1 --megabytes 8 --categories .build/demo/categories.json

test: setup .build/demo/stories ## All tests.
	@swift test $(TEST_FLAGS)

check: lint ## What CI runs: lint, warnings as errors, all tests, goldens on other processors, counts.
	@.ci/setup --tools
	@$(MAKE) --no-print-directory test $(DEMO_TEXT)
	@.ci/goldens $(TEST_FLAGS)
	@.ci/counts $(BIN)

counts: build $(DEMO_TEXT) ## Count instructions and allocations; ARGS=--refresh writes what is expected.
	@.ci/counts $(BIN) $(ARGS)

lint: ## Format, layering and vocabulary of the sources.
	@swift format lint --strict -r Sources Tests Package.swift pipelines Benchmarks/cases
	@.ci/lint

format: ## Format the sources in place.
	@swift format -i -r Sources Tests Package.swift pipelines Benchmarks/cases

bench: build $(DEMO_TEXT) ## What this machine can do, what each stage reaches of it, and where the time goes.
	@python3 Benchmarks/bench/bench.py $(BIN) $(ARGS)

bench-peers: build $(DEMO_TEXT) ## Beside SAELens, TransformerLens and others, in turn on the same inputs.
	@Benchmarks/bench/peers.sh '$(PEERS_PYTHON)' peers.py $(BIN) $(ARGS)

bench-whole: build $(DEMO_TEXT) ## Text to a trained SAE, here and by SAELens; ARGS="--tokens N".
	@Benchmarks/bench/peers.sh '$(PEERS_PYTHON)' whole.py $(BIN) $(ARGS)

bench-scaling: build $(DEMO_TEXT) ## Time over every size, beside what the arithmetic says.
	@python3 Benchmarks/bench/scaling.py $(BIN) $(ARGS)

interop: pipeline ## Open the trained SAE in SAELens from PyPI; use the tests' Hub and W&B with the official clients.
	@Benchmarks/interop/run.sh '$(BIN)/saeline-train' $(OPTIONS)
	@Benchmarks/interop/tensorboard.sh '$(BIN)/saeline-train' $(OPTIONS)
	@swift build $(SWIFT_FLAGS) --product LocalHubServer >&2
	@Benchmarks/interop/hub.sh '$(BIN)/LocalHubServer' '$(BIN)'
	@Benchmarks/interop/slurm.sh Benchmarks/interop/slurm_run.py '$(BIN)'
	@swift build $(SWIFT_FLAGS) --product LocalWandbServer >&2
	@Benchmarks/interop/wandb.sh '$(BIN)' '$(BIN)/LocalWandbServer'

docs: build ## Pages of the declarations that modules share, in .build/docs.
	@.ci/docs $(BIN) .build/docs

clean: ## Remove build products (the store stays).
	@rm -rf .build
