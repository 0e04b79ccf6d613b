# Images for amd64 and arm64. The cluster gets the components as Spin artifacts, not as images.
#
#   docker build .                     the embedded host with both components (target `local`), for Compose
#   docker build --target sidecar .    the metrics exporter
#
# Base images are pinned by digest. BINARIES may name an image with a ready /out, which is used instead of compiling.
ARG RUST=docker.io/library/rust:1.95-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082
ARG BASE=gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
ARG BINARIES=compiled

# Cross-compiles on the builder's own processor: under emulation it would take hours.
FROM --platform=$BUILDPLATFORM ${RUST} AS compiled
ARG TARGETARCH
RUN dpkg --add-architecture "$TARGETARCH" && apt-get -qq update \
    && if [ "$TARGETARCH" != "$(dpkg --print-architecture)" ]; then \
        apt-get -qq install -y --no-install-recommends "crossbuild-essential-$TARGETARCH" >/dev/null; fi \
    && cd /tmp && apt-get -qq download "busybox-static:$TARGETARCH" && dpkg -x busybox-static_*.deb /tmp/busybox \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ARG REVISION=unknown
ENV SIDECAR_REVISION=${REVISION} CI=true \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc
# Registry and target folder are caches of the builder, so everything that the images need goes to /out.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target,sharing=locked \
    case $TARGETARCH in arm64) triple=aarch64-unknown-linux-gnu ;; *) triple=x86_64-unknown-linux-gnu ;; esac \
    && rustup target add wasm32-wasip1 "$triple" \
    && scripts/build-components.sh items audit \
    && cargo build --locked --release --workspace --target "$triple" --bin host --bin sidecar \
    && mkdir /out \
    && cp target/wasm32-wasip1/release/items.wasm target/wasm32-wasip1/release/audit.wasm \
        "target/$triple/release/host" "target/$triple/release/sidecar" /tmp/busybox/bin/busybox /out/

FROM ${BINARIES} AS binaries

FROM ${BASE} AS sidecar
COPY --from=binaries /out/sidecar /
USER 65532:65532
ENV SIDECAR_METRICS_LISTEN=0.0.0.0:9464 SIDECAR_OTLP_LISTEN=0.0.0.0:4318
EXPOSE 9464 4318
ENTRYPOINT ["/sidecar"]

FROM ${BASE} AS local
COPY --from=binaries /out/host /
COPY --from=binaries /out/busybox /bin/wget
COPY spin.toml /app/
COPY --from=binaries /out/items.wasm /out/audit.wasm /app/target/wasm32-wasip1/release/
USER 65532:65532
# Compiled components are cached below /tmp: mount a volume there if the root file system is read-only.
ENV XDG_CACHE_HOME=/tmp SPIN_HTTP_LISTEN_ADDR=0.0.0.0:8080
EXPOSE 8080
# A readiness check also runs the relay, as a cluster's probe does.
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s \
    CMD ["/bin/wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["/host", "--from", "/app/spin.toml"]
