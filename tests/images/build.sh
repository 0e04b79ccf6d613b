#!/usr/bin/env bash
# Builds container images from Debian's packages alone, for engines that cannot pull images.
#   base        instead of distroless/cc: a C library and certificates
#   postgres    instead of the official image, with what is used of it here
#   binaries    instead of the Dockerfile's stage that compiles: the programs as they were built last
# Usage: tests/images/build.sh base|postgres|binaries    (as root, or with sudo; prints the image's name)
set -euo pipefail
cd "$(dirname "$0")/../.."
suite=bookworm
# The tag changes with the files that build the image.
image=items-tests/${1:-}:$(cat tests/images/build.sh tests/images/docker-entrypoint.sh | sha256sum | head -c 12)
there() { docker image inspect "$image" >/dev/null 2>&1; }

# debian PACKAGES OPTION...: a minimal system with PACKAGES.
debian() {
    scripts/install-packages.sh debootstrap:debootstrap >&2
    echo "Building $image (about a minute)" >&2
    "${as_root[@]}" debootstrap --variant=minbase --include="$1" "$suite" "$root" >"$root.log" 2>&1 ||
        { tail -n 5 "$root.log" >&2 && echo "error: debootstrap failed; fix: $root.log has the rest" >&2 && exit 1; }
    "${as_root[@]}" rm -rf "$root.log" "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/lib/postgresql/*/main
    [[ ! -e $root/usr/share/postgresql-common ]] || "${as_root[@]}" install -m 755 tests/images/docker-entrypoint.sh "$root/usr/local/bin/"
    import "${@:2}"
}
import() { "${as_root[@]}" tar --directory "$root" --create . | docker import "$@" - "$image" >/dev/null; }

root=$(mktemp -d)
as_root=()
((EUID == 0)) || as_root=(sudo -n)
trap '"${as_root[@]}" rm -rf "$root"' EXIT
case ${1:-} in
base) there || debian ca-certificates ;;
postgres)
    there || debian postgresql \
        --change 'ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'ENTRYPOINT ["docker-entrypoint.sh"]' --change 'CMD ["postgres"]' --change 'EXPOSE 5432'
    ;;
binaries)
    scripts/install-packages.sh busybox:busybox-static >&2
    mkdir "$root/out"
    cp "${CARGO_TARGET_DIR:-target}"/debug/{host,sidecar} target/wasm32-wasip1/release/{items,audit}.wasm "$(command -v busybox)" "$root/out"
    import
    ;;
*) sed -n '2,6s/^# \?//p' "$0" >&2 && exit 2 ;;
esac
echo "$image"
