# `make` lists the targets: those with a line after `##`.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# rustup's Rust, also where no login shell put it on the path.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)
# Set by CI services: dependencies as Cargo.lock has them, or not at all.
LOCKED := $(if $(CI),--locked)
BINARIES := $(or $(CARGO_TARGET_DIR),target)/debug
COMPONENTS := items audit
# Properties try the same cases each time; `make fuzz` tries others.
export PROPTEST_RNG_SEED ?= 1

.PHONY: help
help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: up
up: setup components ## run both services on this machine until Ctrl-C (LISTEN=, DB_PORT=, DATABASE_URL=)
	@# The whole workspace, of it two programs: with other packages left out, features and so dependencies would be built anew.
	@cargo build $(LOCKED) --workspace --bin stack --bin sidecar
	@exec "$(BINARIES)/stack"

.PHONY: observe
observe: ## beside `make up`: Prometheus with this repository's rules, until Ctrl-C (PROMETHEUS_LISTEN=)
	@exec observability/prometheus/run.sh

.PHONY: test
test: lint ## formatting, lints, unit tests, integration tests over the real stack
	@scripts/install-packages.sh faketime:faketime
	@scripts/build-components.sh $(COMPONENTS) probe
	cargo test $(LOCKED) --workspace

.PHONY: chaos
chaos: build ## everything fails, by a seed, while clients work; the database must hold what they were told (SEED=, MINUTES=10)
	@scripts/install-packages.sh faketime:faketime
	SEED=$${SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')} MINUTES=$${MINUTES:-10} \
	cargo test $(LOCKED) --workspace --test faults -- --nocapture

.PHONY: check
check: build ## what needs more than Rust and PostgreSQL: rules, images, the page in a browser, the contract under fuzzing, manifests, Terraform, workflows, dependencies
	@scripts/install-packages.sh promtool:prometheus
	cargo test $(LOCKED) --workspace --features tests/promtool --test observability
	tests/images/with-engine.sh tests/images/suite.sh
	tests/images/with-engine.sh tests/images/compose.sh
	tests/browser/run.sh
	tests/fuzz/run.sh
	spinkube/tests/run.sh
	terraform/tests/run.sh
	.github/tests/run.sh
	scripts/check-dependencies.sh
	scripts/check-compatibility.sh

.PHONY: fuzz
fuzz: build ## ask for so long what no run has asked yet (MINUTES=10, SEED=)
	@minutes=$${MINUTES:-10} seed=$${SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}; echo "MINUTES=$$minutes SEED=$$seed"; set -e; \
	PROPTEST_CASES=$$((minutes * 10000)) PROPTEST_RNG_SEED=$$seed cargo test --workspace --lib properties; \
	tests/fuzz/run.sh --minutes "$$minutes" --seed "$$seed"

.PHONY: bench
bench: setup components ## measure the application against a native one, and against spin where it is installed (ROUNDS=, DURATION=)
	@scripts/install-packages.sh wrk:wrk
	cargo build $(LOCKED) --release --workspace --bin host --bin reference
	cargo build $(LOCKED) --workspace --bin bench
	"$(BINARIES)/bench" --release "$(dir $(BINARIES))release" --results bench/RESULTS.md

.PHONY: bench-growth
bench-growth: setup components ## measure the application over a thousand and over ten million items (ROUNDS=, DURATION=); needs 12 GB
	@scripts/install-packages.sh wrk:wrk
	cargo build $(LOCKED) --release --workspace --bin host --bin sidecar
	cargo build $(LOCKED) --workspace --bin bench
	"$(BINARIES)/bench" --growth --release "$(dir $(BINARIES))release" --results bench/GROWTH.md

.PHONY: build
build: setup ## build everything, after installing what is missing for it
	@scripts/build-components.sh $(COMPONENTS) probe
	cargo build $(LOCKED) --workspace

.PHONY: lint
lint: setup ## formatting and lints alone
	cargo fmt --check
	cargo clippy $(LOCKED) --workspace --all-targets --features tests/promtool -- -D warnings
	@# Debian's toolchain for WebAssembly has no clippy: there the native pass has to do.
	@if [ -d "$$(rustc --print sysroot)/lib/rustlib/wasm32-wasip1" ]; then set -x; \
	cargo clippy $(LOCKED) --release --target wasm32-wasip1 $(COMPONENTS:%=--package %) --package probe -- -D warnings; fi

.PHONY: psql
psql: ## open the database of the running stack, or ask it: make psql SQL='SELECT …'
	@scripts/with-database.sh psql $${SQL:+-c "$$SQL"}

.PHONY: backup
backup: ## write the running stack's database to a file (FILE=)
	@scripts/backup.sh $${FILE:+"$$FILE"}

.PHONY: restore
restore: ## put a backup in place of what the running stack's database holds (FILE=)
	@scripts/restore.sh "$$FILE"

.PHONY: audit-prune
audit-prune: ## remove audit events from before a moment (BEFORE=2026-01-31)
	@scripts/retention.sh prune "$$BEFORE"

.PHONY: audit-erase
audit-erase: ## remove what a deleted item has left in the audit trail (ITEM=42)
	@scripts/retention.sh erase "$$ITEM"

.PHONY: clean-data
clean-data: ## remove the database and its passwords; backups stay
	@if [ -e .data/postgres.lock ] && ! flock -n .data/postgres.lock true; then \
	echo 'error: the stack runs; fix: stop it first (Ctrl-C)' >&2; exit 1; fi
	rm -rf "$$(readlink -f .data/postgres)" .data/postgres .data/postgres.lock .data/pgpass .data/passwords .data/prometheus
	@[ ! -e .env ] || sed -i '/^SPIN_VARIABLE_/d' .env

# Kubernetes: spinkube/README.md.

.PHONY: local-cluster
local-cluster: ## a Kubernetes cluster on this machine, with the platform: k3d, http://localhost:8080
	@spinkube/local-cluster.sh

.PHONY: platform
platform: ## what a cluster needs before the application, to the one kubectl points at
	@spinkube/platform/install.sh

.PHONY: package
package: setup ## push the components as Spin artifacts and the sidecar's image (REGISTRY=, VERSION=)
	@spinkube/package.sh

.PHONY: secrets
secrets: ## make the database's passwords in the cluster (ROTATE="items-db …": anew)
	@spinkube/secrets.sh

.PHONY: deploy
deploy: ## bring an overlay to the cluster and wait until it serves (OVERLAY=, REGISTRY=, VERSION=)
	@spinkube/deploy.sh

.PHONY: verify
verify: ## ask a running deployment whether it is what it should be (URL=)
	@spinkube/verify.sh

.PHONY: undeploy
undeploy: ## remove the application and all its data from the cluster; asks first
	@spinkube/undeploy.sh

# AWS and releases: terraform/README.md, CD.md.

.PHONY: check-terraform
check-terraform: ## Terraform alone: conventions, boot scripts, checkov, validation and tests with a mocked provider
	terraform/tests/run.sh

.PHONY: plan
plan: ## show what an apply would change on AWS (SIZE=single|ha)
	terraform/plan.sh "$(SIZE)"

.PHONY: plan-from-state
plan-from-state: ## the same from the state alone, as a pull request's role may (SIZE=single|ha)
	terraform/plan.sh "$(SIZE)" --state-only

.PHONY: drift
drift: ## fail when AWS is not as it was applied (SIZE=single|ha)
	terraform/plan.sh "$(SIZE)" --drift

.PHONY: cluster-state
cluster-state: ## print what a cluster looks like when something failed
	-kubectl get nodes,pods,helmcharts.helm.cattle.io --all-namespaces --output wide
	-kubectl --namespace items get spinapps,jobs,events --sort-by .metadata.creationTimestamp
	-kubectl --namespace items logs --selector app.kubernetes.io/part-of=items --all-containers --prefix --tail 50

.PHONY: release-check
release-check: ## say what is missing for a release
	@.github/release/check.sh

.PHONY: sbom
sbom: ## list the parts of a release in target/release-files/sbom.spdx.json
	.github/release/sbom.sh

.PHONY: sign
sign: ## sign what `make package` pushed, attach the list of parts (in GitHub Actions)
	.github/release/sign.sh

.PHONY: publish
publish: ## make the release on GitHub: notes, digests, list of parts
	.github/release/publish.sh

.PHONY: promote
promote: ## open the pull request that moves a release to an environment (ENVIRONMENT=staging VERSION=1.2.3 | ENVIRONMENT=production)
	@.github/release/promote.sh

.PHONY: setup components
setup:
	@scripts/setup.sh
components: setup
	@scripts/build-components.sh $(COMPONENTS)
