# `make` lists the targets: `##@` begins a section, `##` describes a target.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Values of the command line reach programs as they are, in the environment: make would expand a `$` in them. Recipes use
# "$$NAME", never $(NAME), which the shell would read as code.
$(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(eval override export $(name) := $$(value $(name)))))
# rustup's Rust, also in a shell that is not a login shell.
export PATH := $(or $(value CARGO_HOME),$(value HOME)/.cargo)/bin:$(value PATH)
# CI services set CI: there a Cargo.lock that is not up to date is an error.
LOCKED := $(if $(value CI),--locked)
BINARIES := "$${CARGO_TARGET_DIR:-target}"/debug
COMPONENTS := items audit
# The host of `make up` and `make test`: embedded, or spin. Not HOST itself, which some shells set to the machine's name.
export APP_HOST := $(if $(filter override,$(origin HOST)),$(value HOST),$(value APP_HOST))
# Property tests generate the same cases each time; `make fuzz` generates others.
export PROPTEST_RNG_SEED ?= 1

.PHONY: help
help:
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

##@ Run

.PHONY: up
up: setup components ## run both services (LISTEN= DB_PORT= DATABASE_URL= HOST=)
	@# --workspace even for two programs: a smaller selection resolves other features and rebuilds the dependencies.
	@cargo build $(LOCKED) --workspace --bin stack --bin sidecar
	@exec $(BINARIES)/stack

.PHONY: observe
observe: ## Prometheus beside `make up` (PROMETHEUS_LISTEN=)
	@exec observability/prometheus/run.sh

##@ Test and measure

.PHONY: test
test: has-host setup ## unit, integration and fault tests (HOST=spin)
	@scripts/install-packages.sh faketime:faketime
	@scripts/build-components.sh $(COMPONENTS) probe
ifeq ($(APP_HOST),spin)
	cargo build $(LOCKED) --workspace
	cargo test $(LOCKED) --workspace --test suite --test faults --test up -- --skip embedded_host::
else
	cargo test $(LOCKED) --workspace
endif

.PHONY: acceptance
acceptance: compiler ## test a deployed application (URL= TRAIL_URL=)
	@: "$${URL:?is not set; fix: make acceptance URL=https://items.example.com}"
	@echo "Testing $$URL. Each test deletes its own items, named acceptance-…; their events stay in the audit trail and in the counters."
	@[ -n "$$TRAIL_URL" ] || echo 'not run: that every operation is in the audit trail once; fix: TRAIL_URL=postgres://USER:PASSWORD@HOST/itemsdb'
	@ACCEPTANCE_URL=$$URL cargo test $(LOCKED) --workspace --features tests/tls --test suite -- black_box:: --test-threads 4

.PHONY: chaos
chaos: build ## the fault suite for long (SEED= MINUTES=10)
	@scripts/install-packages.sh faketime:faketime
	SEED=$${SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')} MINUTES=$${MINUTES:-10} \
	cargo test $(LOCKED) --workspace --test faults -- --nocapture

.PHONY: check
check: build ## what needs more than Rust and PostgreSQL
	@scripts/install-packages.sh promtool:prometheus
	cargo test $(LOCKED) --workspace --features tests/promtool --test observability
	tests/images/with-engine.sh tests/images/suite.sh
	tests/images/with-engine.sh tests/images/compose.sh
	tests/browser/run.sh
	tests/fuzz/run.sh
	tests/clients/run.sh
	spinkube/tests/run.sh
	terraform/tests/run.sh
	.github/tests/run.sh
	scripts/check-dependencies.sh
	scripts/check-compatibility.sh

.PHONY: compatibility
compatibility: setup ## with the commit before the last change of schema/
	@scripts/check-compatibility.sh --schema

.PHONY: fuzz
fuzz: build ## fuzz with new random inputs (MINUTES=10 SEED=)
	@minutes=$${MINUTES:-10} seed=$${SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}; echo "MINUTES=$$minutes SEED=$$seed"; set -e; \
	PROPTEST_CASES=$$((minutes * 10000)) PROPTEST_RNG_SEED=$$seed cargo test --workspace --lib properties; \
	tests/fuzz/run.sh --minutes "$$minutes" --seed "$$seed"

.PHONY: bench
bench: setup components ## measure speed, half an hour (ROUNDS= DURATION=)
	@scripts/install-packages.sh wrk:wrk
	@scripts/build-components.sh select
	cargo build $(LOCKED) --release --workspace --bin host --bin twin
	cargo build $(LOCKED) --workspace --bin bench
	$(BINARIES)/bench --release $(BINARIES)/../release --results bench/RESULTS.md

.PHONY: bench-growth
bench-growth: setup components ## measure with 10 million items, needs 12 GB
	@scripts/install-packages.sh wrk:wrk
	cargo build $(LOCKED) --release --workspace --bin host --bin sidecar
	cargo build $(LOCKED) --workspace --bin bench
	$(BINARIES)/bench --growth --release $(BINARIES)/../release --results bench/GROWTH.md

.PHONY: build
build: setup ## build everything
	@scripts/build-components.sh $(COMPONENTS) probe
	cargo build $(LOCKED) --workspace

.PHONY: lint
lint: setup ## formatting and lints
	cargo fmt --check
	cargo clippy $(LOCKED) --workspace --all-targets --features tests/promtool -- -D warnings
	@# Debian's toolchain for WebAssembly has no clippy: with it only the native pass runs.
	@if [ -d "$$(rustc --print sysroot)/lib/rustlib/wasm32-wasip1" ]; then set -x; \
	cargo clippy $(LOCKED) --release --target wasm32-wasip1 $(COMPONENTS:%=--package %) --package probe -- -D warnings; fi

##@ Data of the running stack

.PHONY: psql
psql: ## open the database, or run SQL='SELECT …' in it
	@scripts/with-database.sh psql $${SQL:+-c "$$SQL"}

.PHONY: backup
backup: ## write the database to a file (FILE=)
	@scripts/backup.sh $${FILE:+"$$FILE"}

.PHONY: restore
restore: ## replace the database by a backup (FILE= JUMP=)
	@scripts/restore.sh "$$FILE"

.PHONY: audit-prune
audit-prune: ## remove audit events before a time (BEFORE=2026-01-31)
	@scripts/retention.sh prune "$$BEFORE"

.PHONY: audit-erase
audit-erase: ## remove a deleted item's content from the trail (ITEM=42)
	@scripts/retention.sh erase "$$ITEM"

.PHONY: audit-verify
audit-verify: ## verify the trail against kept heads (KEY= HEADS=)
	@cargo build $(LOCKED) --quiet --workspace --bin sidecar
	@scripts/with-database.sh $(BINARIES)/sidecar verify "$${KEY:-.data/trail/key.pub}" "$${HEADS:-.data/trail}"

.PHONY: audit-restored
audit-restored: ## state a restore to the trail (HEAD=)
	@scripts/retention.sh restored "$${HEAD:-.data/trail/head}"

.PHONY: clean-data
clean-data: ## delete database, passwords and heads, not backups (CONFIRM=)
	@command -v flock >/dev/null || { echo 'error: flock is missing; fix: install it (macOS: brew install flock)' >&2; exit 1; }
	@if [ -e .data/postgres.lock ] && ! flock -n .data/postgres.lock true; then \
	echo 'error: the stack runs; fix: stop it first (Ctrl-C)' >&2; exit 1; fi
	@set -- .data/postgres "$$(readlink -f .data/postgres)" .data/postgres.lock .data/pgpass .data/passwords .data/trail .data/prometheus; \
	if [ "$$CONFIRM" != yes ]; then \
	echo 'This deletes the database with its audit trail, and what goes with it:' >&2; du -sh "$$@" >&2 2>/dev/null; \
	echo 'error: not confirmed; fix: make clean-data CONFIRM=yes (after make backup, if you may need the data)' >&2; exit 1; fi; \
	rm -rf "$$@"; [ ! -e .env ] || { sed -i.old '/^SPIN_VARIABLE_/d' .env && rm .env.old; }

##@ Kubernetes (spinkube/README.md)

.PHONY: local-cluster
local-cluster: ## a cluster on this machine (PORT= REGISTRY_PORT=)
	@spinkube/local-cluster.sh

.PHONY: platform
platform: ## prepare the cluster that kubectl points at
	@spinkube/platform/install.sh

.PHONY: package
package: compiler ## push components and sidecar image (REGISTRY= VERSION=)
	@spinkube/package.sh

.PHONY: secrets
secrets: ## new passwords in the cluster (ROTATE="items-db …")
	@spinkube/secrets.sh

.PHONY: deploy
deploy: ## deploy an overlay (OVERLAY= REGISTRY= VERSION=)
	@spinkube/deploy.sh

.PHONY: verify
verify: ## check a running deployment (URL= LOAD=yes)
	@spinkube/verify.sh

.PHONY: drill
drill: ## lose and restore the database (CONFIRM=)
	@spinkube/drill.sh

.PHONY: check-update
check-update: compiler ## deploy the previous release, then this commit
	@spinkube/tests/update.sh

.PHONY: check-overlays
check-overlays: ## ask the cluster whether it accepts every overlay
	@spinkube/tests/accepted.sh

.PHONY: undeploy
undeploy: ## delete the application and its data; asks first
	@spinkube/undeploy.sh

##@ AWS and releases (terraform/README.md, CD.md)

.PHONY: check-terraform
check-terraform: ## the checks of terraform/
	terraform/tests/run.sh

.PHONY: plan
plan: ## show what an apply would change (SIZE=single|ha)
	terraform/plan.sh "$$SIZE"

.PHONY: plan-from-state
plan-from-state: ## the same without reading AWS (SIZE=single|ha)
	terraform/plan.sh "$$SIZE" --state-only

.PHONY: drift
drift: ## fail if AWS differs from the state (SIZE=single|ha)
	terraform/plan.sh "$$SIZE" --drift

.PHONY: cluster-state
cluster-state: ## print the state of a cluster after a failure
	-kubectl get nodes,pods,helmcharts.helm.cattle.io --all-namespaces --output wide
	-kubectl --namespace items get spinapps,jobs,events --sort-by .metadata.creationTimestamp
	-kubectl --namespace items logs --selector app.kubernetes.io/part-of=items --all-containers --prefix --tail 50

.PHONY: settings
settings: ## check a workflow's settings on GitHub (NEEDED= OPTIONAL=)
	@.github/release/settings.sh

.PHONY: release-check
release-check: ## list what is missing for a release
	@.github/release/check.sh

.PHONY: sbom
sbom: ## write the list of parts of a release
	.github/release/sbom.sh

.PHONY: sign
sign: ## sign the pushed artifacts (in GitHub Actions)
	.github/release/sign.sh

.PHONY: publish
publish: ## create the release on GitHub
	.github/release/publish.sh

.PHONY: promote
promote: ## open a promotion pull request (ENVIRONMENT= VERSION=)
	@.github/release/promote.sh

.PHONY: has-host setup compiler components
has-host:
	@case "$$APP_HOST" in ''|embedded) ;; spin) spin --version || { \
	echo 'error: spin is not on PATH; fix: install Spin 3.6 (https://spinframework.dev/v3/install), or leave out HOST=spin' >&2; exit 1; } ;; \
	*) echo "error: HOST=$$APP_HOST is no host; fix: HOST=embedded or HOST=spin" >&2; exit 1 ;; esac
setup:
	@scripts/setup.sh
compiler:
	@scripts/setup.sh compile
components: setup
	@scripts/build-components.sh $(COMPONENTS)
