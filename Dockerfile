# Images. The default one is `local`: the embedded host with both components, for Compose.
#
#   docker build --target app .        the application for containerd-shim-spin, where Spin's own artifacts cannot be used
#   docker build --target items .      items alone, likewise
#   docker build --target audit .      audit alone, likewise
#   docker build --target sidecar .    the metrics exporter
#   docker build .                     local
#
# All are for amd64 and arm64. Bases are pinned by digest; BINARIES names an image that has /out already, in place of compiling here.
ARG RUST=docker.io/library/rust:1.95-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082
ARG BASE=gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
ARG BINARIES=compiled

# Compiles for the image's processor on that of the builder: under emulation it would take hours.
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
# The caches stay on the builder; /out is all that is taken from here.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target,sharing=locked \
    case $TARGETARCH in arm64) triple=aarch64-unknown-linux-gnu ;; *) triple=x86_64-unknown-linux-gnu ;; esac \
    && rustup target add wasm32-wasip1 "$triple" \
    && scripts/build-components.sh items audit \
    && cargo build --locked --release --workspace --target "$triple" --bin host --bin sidecar \
    && mkdir /out \
    && cp target/wasm32-wasip1/release/items.wasm target/wasm32-wasip1/release/audit.wasm \
        "target/$triple/release/host" "target/$triple/release/sidecar" /tmp/busybox/bin/busybox /out/

FROM ${BINARIES} AS binaries

# The shim reads /spin.toml and finds each component below / where the manifest says.
FROM scratch AS app
COPY spin.toml /
COPY --from=binaries /out/items.wasm /out/audit.wasm /target/wasm32-wasip1/release/
ENTRYPOINT ["/"]

FROM scratch AS items
COPY components/items/spin.toml /
COPY --from=binaries /out/items.wasm /target/wasm32-wasip1/release/
ENTRYPOINT ["/"]

FROM scratch AS audit
COPY components/audit/spin.toml /
COPY --from=binaries /out/audit.wasm /target/wasm32-wasip1/release/
ENTRYPOINT ["/"]

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
# Compiled components are cached below it: give /tmp a volume of its own where the root is read-only.
ENV XDG_CACHE_HOME=/tmp SPIN_HTTP_LISTEN_ADDR=0.0.0.0:8080
EXPOSE 8080
# Asking for readiness also hands waiting audit events on, as a cluster's probe does.
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s \
    CMD ["/bin/wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["/host", "--from", "/app/spin.toml"]
