#!/usr/bin/env bash
# Runs the suite on a PostgreSQL in a container, from an image of Debian's packages. This also tests testcontainers.
set -euo pipefail
cd "$(dirname "$0")/../.."

image=$(tests/images/build.sh postgres)
TEST_POSTGRES=container TEST_POSTGRES_IMAGE=$image cargo test ${CI:+--locked} --workspace --test suite -- "$@"
