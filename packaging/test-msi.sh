#!/usr/bin/env bash
# Builds the Windows package twice over, an older and a newer version, and tries them under Wine, from a clean clone in
# one command.
set -euo pipefail

packaging=$(cd "$(dirname "$0")" && pwd)
"$packaging/setup.sh" msi
exe=$("$packaging/msi/program.sh")
# It takes a minute; what hangs ends.
exec timeout -k 30 1200 "$packaging/msi/test-msi.sh" "$exe"
