#!/usr/bin/env bash
# The integration suite on a PostgreSQL in a container, with an image of Debian's packages: what testcontainers does is tried, not assumed.
set -euo pipefail
cd "$(dirname "$0")/../.."

image=$(tests/images/build.sh postgres)
TEST_POSTGRES=container TEST_POSTGRES_IMAGE=$image cargo test ${CI:+--locked} --workspace --test suite -- "$@"
