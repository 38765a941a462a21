#!/usr/bin/env bash
# Builds the Windows package with its SBOM and SHA256SUMS from a clean clone:
#   build-msi.sh [OUT_DIR]        (default: target/packages of the clone)
# For signing, see msi/build-msi.sh.
set -euo pipefail

packaging=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$packaging")
out=${1:-$root/target/packages}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)

"$packaging/setup.sh" msi-build
exe=$("$packaging/msi/program.sh")
package=dinkem-appliance-$version-x64.msi
"$packaging/msi/build-msi.sh" "$exe" "$out/$package"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || stat -c %Y "$root/Cargo.toml")}
export SOURCE_DATE_EPOCH
(cd "$root" && packaging/inventory.py sbom x86_64-pc-windows-gnu) >"$out/$package.cdx.json"
(cd "$out" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf "%P\0" | LC_ALL=C sort -z | xargs -0 sha256sum >SHA256SUMS)
echo "$out/$package"
