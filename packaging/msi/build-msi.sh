#!/usr/bin/env bash
# Packs a Windows program as an .msi:
#   build-msi.sh dinkem-appliance.exe OUT.msi [VERSION]
# The build is reproducible. With SIGN_CERT and SIGN_KEY (PEM files) program and package are signed;
# SIGN_TIMESTAMP_URL names a timestamp server, so that the signature outlives the certificate.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
exe=$(realpath "$1")
out=$(realpath -m "$2")
version=${3:-$(sed -n 's/^version = "\([0-9.]*\).*/\1/p' "$root/Cargo.toml" | head -n 1)}
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 1700000000)}

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cd "$stage"

sign() { # FILE
  [ -n "${SIGN_CERT:-}" ] || return 0
  osslsigncode sign -certs "$SIGN_CERT" -key "$SIGN_KEY" -h sha256 -n "Dinkem Appliance" \
    ${SIGN_TIMESTAMP_URL:+-ts "$SIGN_TIMESTAMP_URL"} -in "$1" -out "$1.signed" >/dev/null
  mv "$1.signed" "$1"
}

# Name-based UUID: `uuid5 NAMESPACE TEXT`, in upper case for the installer.
uuid5() { python3 -c 'import sys, uuid; print(str(uuid.uuid5(uuid.UUID(sys.argv[1]), sys.argv[2])).upper())' "$@"; }

# SID of a service account: derived from the SHA-1 of its upper-case name.
service_sid() { python3 - "$1" <<'PYTHON'
import hashlib, struct, sys
digest = hashlib.sha1(sys.argv[1].upper().encode("utf-16-le")).digest()
print("S-1-5-80-" + "-".join(map(str, struct.unpack("<5I", digest))))
PYTHON
}

cp "$exe" dinkem-appliance.exe
sign dinkem-appliance.exe
cp "$root/LICENSE" LICENSE.txt
sed 's/$/\r/' "$here/config.toml" > config.toml
sed '/^--/d; /^$/d' "$here/tables.sql" | sed "s/@SID@/$(service_sid DinkemAppliance)/" > tables.sql
cp "$here/dinkem.wxs" dinkem.wxs
touch -d "@$epoch" ./*

family=A85A30C1-4515-444E-A8AC-211D6333437A
content=$(cat dinkem-appliance.exe LICENSE.txt config.toml tables.sql dinkem.wxs <(echo "$version $epoch") | sha256sum | cut -d ' ' -f 1)
package=$(uuid5 $family "package $content")

# The summary contains the current time and the name of a temporary file; fix both for a reproducible build.
pack() { TZ=UTC faketime -f "$(TZ=UTC date -d "@$epoch" '+%Y-%m-%d %H:%M:%S')" "$@"; }
pack wixl -a x64 -D Version="$version" -D ProductCode="$(uuid5 $family "product $version")" -D PackageCode="$package" \
  -o package.msi dinkem.wxs
mapfile -t statements < tables.sql
pack msibuild package.msi -q "${statements[@]}"
pack msibuild package.msi -s "Dinkem Appliance $version" Dinkem "x64;1033" "{$package}"
sign package.msi

mkdir -p "$(dirname "$out")"
mv package.msi "$out"
