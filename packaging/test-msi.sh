#!/usr/bin/env bash
# Builds two versions of the Windows package from a clean clone and tests them under Wine.
set -euo pipefail

packaging=$(cd "$(dirname "$0")" && pwd)
"$packaging/setup.sh" msi
exe=$("$packaging/msi/program.sh")
# Takes about a minute; the timeout is for hangs.
exec timeout -k 30 1200 "$packaging/msi/test-msi.sh" "$exe"
