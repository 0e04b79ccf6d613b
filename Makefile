# `make` lists the targets: those with a line after `##`.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# rustup's Rust, also where no login shell put it on the path.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)
# Set by CI services: dependencies as Cargo.lock has them, or not at all.
LOCKED := $(if $(CI),--locked)
BINARIES := $(or $(CARGO_TARGET_DIR),target)/debug
COMPONENTS := items audit

.PHONY: help
help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: up
up: setup components ## run both services on this machine until Ctrl-C (LISTEN=, DB_PORT=, DATABASE_URL=)
	@# The whole workspace, of it two programs: with other packages left out, features and so dependencies would be built anew.
	@cargo build $(LOCKED) --workspace --bin stack --bin sidecar
	@exec $(BINARIES)/stack

.PHONY: observe
observe: ## beside `make up`: Prometheus with this repository's rules, until Ctrl-C (PROMETHEUS_LISTEN=)
	@exec observability/prometheus/run

.PHONY: test
test: lint ## formatting, lints, unit tests, integration tests over the real stack
	@local/build-components.sh $(COMPONENTS) probe
	cargo test $(LOCKED) --workspace

.PHONY: check
check: build ## what needs more than Rust and PostgreSQL: rules, dashboards, a container, the page in a real browser
	@local/packages promtool:prometheus
	cargo test $(LOCKED) --workspace --features integration/promtool --test suite observability
	tests/images/with-engine tests/images/suite
	tests/browser/run

.PHONY: build
build: setup components ## build everything, after installing what is missing for it
	cargo build $(LOCKED) --workspace

.PHONY: lint
lint: setup ## formatting and lints alone
	cargo fmt --check
	cargo clippy $(LOCKED) --workspace --all-targets --features integration/promtool -- -D warnings
	@# Debian's toolchain for WebAssembly has no clippy: there the native pass has to do.
	@if [ -d "$$(rustc --print sysroot)/lib/rustlib/wasm32-wasip1" ]; then set -x; \
	cargo clippy $(LOCKED) --release --target wasm32-wasip1 $(COMPONENTS:%=--package %) --package probe -- -D warnings; fi

.PHONY: psql
psql: ## open the database of the running stack, or ask it: make psql SQL='SELECT …'
ifdef DATABASE_URL
	@psql $${SQL:+-c "$$SQL"} "$$DATABASE_URL"
else
	@[ -e .data/pgpass ] || { echo 'error: there is no database yet; mend: make up' >&2; exit 1; }
	@PGPASSFILE=.data/pgpass psql -h 127.0.0.1 -p "$$(cut -d: -f2 .data/pgpass)" -U postgres $${SQL:+-c "$$SQL"} itemsdb
endif

.PHONY: clean-data
clean-data: ## remove the database and its passwords
	@if [ -e .data/postgres.lock ] && ! flock -n .data/postgres.lock true; then \
	echo 'error: the stack runs; mend: stop it first (Ctrl-C)' >&2; exit 1; fi
	rm -rf "$$(readlink -f .data/postgres)" .data

.PHONY: setup components
setup:
	@local/setup.sh
components: setup
	@local/build-components.sh $(COMPONENTS)
