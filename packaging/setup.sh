#!/usr/bin/env bash
# Installs the dependencies of these scripts: setup.sh deb | msi | oci | all, or deb-build | msi-build to build a package
# without testing it, or nothing with setup.sh finish: it only finishes an installation that was interrupted, as all others
# do first. Rust itself comes from rustup (https://rustup.rs).
set -euo pipefail

# Package, and a command whose presence shows that it is installed.
DEB_BUILD=("g++ g++" "python3 python3" "dpkg-dev dpkg-shlibdeps" "xz-utils xz")
DEB_TEST=(
  "lintian lintian" "mmdebstrap mmdebstrap" "zstd zstd" "systemd-container systemd-nspawn" "piuparts piuparts"
  "ffmpeg ffprobe"
)
MSI_BUILD=(
  "g++ g++" "g++-mingw-w64-x86-64 x86_64-w64-mingw32-g++" "gcc-mingw-w64-x86-64 x86_64-w64-mingw32-gcc"
  "python3 python3" "wixl wixl" "msitools msibuild" "faketime faketime" "osslsigncode osslsigncode"
)
OCI=("buildah buildah")
MSI_TEST=("wine64 /usr/lib/wine/wine64" "curl curl" "openssl openssl" "ffmpeg ffprobe")

# Installs the packages whose command is missing. Waits for other apt processes.
install_missing() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair#* }" >/dev/null || missing+=("${pair% *}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    echo "setup.sh: these packages are missing; type: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "setup.sh: installing ${missing[*]}" >&2
  local wait=(-o DPkg::Lock::Timeout=600 -qq)
  apt-get "${wait[@]}" update >&2
  DEBIAN_FRONTEND=noninteractive apt-get "${wait[@]}" install -y --no-install-recommends "${missing[@]}" >&2
}

# Debian's latest Rust with the standard library's source, unpacked into the cache because installing it would replace
# the system's own. Its shared libraries are installed.
unpack_rust_for_windows() {
  local rust=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/dinkem-appliance/target}/windows-rust
  if LD_LIBRARY_PATH=$rust/usr/lib/x86_64-linux-gnu "$rust/usr/bin/rustc" -V && [ -e "$rust/complete" ] &&
    "$rust/usr/bin/cargo" -V; then
    return 0
  fi &>/dev/null
  echo "setup.sh: unpacking Rust for Windows into $rust" >&2
  local packages=(rustc-web cargo-web rust-web-src libstd-rust-web-dev) wait=(-o DPkg::Lock::Timeout=600 -qq) deb
  apt-get "${wait[@]}" update >&2
  packages+=("$(depends libstd-rust-web-dev)")
  # shellcheck disable=SC2046 # one word per package
  DEBIAN_FRONTEND=noninteractive apt-get "${wait[@]}" install -y --no-install-recommends --no-upgrade \
    $(depends "${packages[@]}" | grep -v -e rust -e cargo) >&2
  rm -rf "$rust"
  mkdir -p "$rust/debs"
  (cd "$rust/debs" && apt-get -qq -o APT::Sandbox::User=root download "${packages[@]}" >&2)
  for deb in "$rust"/debs/*.deb; do
    dpkg-deb -x "$deb" "$rust"
  done
  # Of the source, only the standard library is built.
  rm -rf "$rust/debs" "$rust/usr/share" "$rust"/usr/src/rustc-*/{compiler,src}
  touch "$rust/complete"
}

# Dependencies of packages, without alternatives.
depends() {
  apt-cache depends "$@" | sed -n 's/^  Depends: \([^<].*\)/\1/p' | sort -u
}

# An earlier installation that was interrupted, with a full disk or a lost connection, blocks all later ones.
finish_interrupted() {
  [ "$(id -u)" = 0 ] || return 0
  DEBIAN_FRONTEND=noninteractive dpkg --configure -a >&2 ||
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq -y --fix-broken install >&2
}

deb_build() { install_missing "${DEB_BUILD[@]}"; }
deb() { install_missing "${DEB_BUILD[@]}" "${DEB_TEST[@]}"; }
oci() { install_missing "${OCI[@]}"; }
msi_build() { install_missing "${MSI_BUILD[@]}" && unpack_rust_for_windows; }
msi() { install_missing "${MSI_BUILD[@]}" "${MSI_TEST[@]}" && unpack_rust_for_windows; }

finish_interrupted
case "${1:-}" in
  deb-build) deb_build ;;
  deb) deb ;;
  msi-build) msi_build ;;
  msi) msi ;;
  oci) oci ;;
  all) deb && msi && oci ;;
  finish) ;;
  *)
    echo "usage: setup.sh deb | deb-build | msi | msi-build | oci | all | finish" >&2
    exit 2
    ;;
esac
# The Windows build uses the unpacked compiler.
if [[ $1 = deb* || $1 = all ]] && ! command -v cargo >/dev/null; then
  echo "setup.sh: Rust is missing: install it from https://rustup.rs" >&2
  exit 1
fi
