#!/usr/bin/env bash
# Builds dinkem-appliance.exe as shipped and prints its path. Cached by a hash of its inputs, so that the same source
# is built only once.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/dinkem-appliance/target}

cd "$root"
sources=$(find Cargo.toml Cargo.lock .cargo/config.toml schema.sql src crates/*/Cargo.toml crates/*/src packaging/msi/win-build.sh -type f |
  LC_ALL=C sort)
key=$({ xargs -d '\n' sha256sum <<<"$sources"; ls "$cache/windows-rust/usr/lib/x86_64-linux-gnu"; } | sha256sum | cut -c 1-32)
exe=$cache/windows-program/$key/dinkem-appliance.exe
if [ ! -e "$exe" ]; then
  "$here/win-build.sh" build --profile dist --locked --bin dinkem-appliance >&2
  rm -rf "$cache/windows-program"
  mkdir -p "$(dirname "$exe")"
  cp "$cache/windows/x86_64-pc-windows-gnu/dist/dinkem-appliance.exe" "$exe.part"
  mv "$exe.part" "$exe"
fi
echo "$exe"
