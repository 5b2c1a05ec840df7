# The front door: `make help` lists what there is. CMake and Ninja do the building, one folder per preset in build/.

.DEFAULT_GOAL := build
.PHONY: help setup build demo test torture bench sim fuzz coverage lint format clean
MAKEFLAGS += --no-print-directory

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing on a Debian 12 machine
	@scripts/setup

build: setup ## Build the server: build/inngest
	@scripts/build release inngest
	@echo "built build/inngest"

demo: build ## Run the server and an example app; ONCE=1 stops after one run
	@scripts/demo

test: ## Run every test, in bounded shares
	@scripts/test

torture: ## The tests at full strength; choose with SEEDS=, KILLS=, FUZZ_S=
	@scripts/torture

bench: setup ## Measure throughput, latency and memory; ARGS= are the benchmark's options
	@scripts/bench

sim: setup ## Simulate SEEDS= workloads with crashes (20000), from FIRST_SEED=
	@scripts/build release sim
	@scripts/sim release

fuzz: setup ## Fuzz each target for FUZZ_S= seconds (60)
	@scripts/build fuzz fuzz
	@scripts/fuzz

coverage: ## Print the line coverage of src/
	@scripts/coverage

lint: setup ## Check formatting, layers and clang-tidy
	@scripts/build release all
	@scripts/lint

format: ## Format all C files
	@find src tests bench -name node_modules -prune -o -name '*.[ch]' -print | xargs clang-format -i

clean: ## Remove all that was built
	@rm -rf build
