#!/usr/bin/env bash
# The Windows package, from a clean clone in one command:
#   build-msi.sh [OUT_DIR]        (target/packages of the clone when nobody says)
# msi/build-msi.sh tells how it is signed.
set -euo pipefail

packaging=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$packaging")
out=${1:-$root/target/packages}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)

"$packaging/setup.sh" msi-build
exe=$("$packaging/msi/program.sh")
"$packaging/msi/build-msi.sh" "$exe" "$out/dinkem-appliance-$version-x64.msi"
echo "$out/dinkem-appliance-$version-x64.msi"
