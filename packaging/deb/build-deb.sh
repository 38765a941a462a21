#!/usr/bin/env bash
# Builds dinkem-appliance_VERSION_amd64.deb with its SBOM and SHA256SUMS from a clean clone; the last line printed is
# its path. The build is reproducible.
#
#   packaging/deb/build-deb.sh [FOLDER]     default: packages/ in Cargo's target directory
set -euo pipefail
umask 022
export LC_ALL=C
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
cd "$ROOT"
"$HERE/../setup.sh" deb-build

NAME=dinkem-appliance
TARGET=x86_64-unknown-linux-gnu
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}
OUT=${1:-$CARGO_TARGET_DIR/packages}
VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
# Time of the last commit; outside of git, the modification time of Cargo.toml.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.toml)}
export SOURCE_DATE_EPOCH

# Remap paths, so that the program does not depend on where it was built.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
remap=("$CARGO_TARGET_DIR=/target" "$ROOT=/source" "$cargo_home=/cargo" "$(rustc --print sysroot)=/rust")
c_flags=$(printf -- '-ffile-prefix-map=%s ' "${remap[@]}")
CARGO_ENCODED_RUSTFLAGS=$(printf -- '--remap-path-prefix=%s\x1f' "${remap[@]}")
export CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS%$'\x1f'}
CFLAGS=$c_flags CXXFLAGS=$c_flags CARGO_INCREMENTAL=0 cargo build --locked --profile dist --bin $NAME

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
doc=$root/usr/share/doc/$NAME

put() { install -D -m "$1" "$2" "$root/$3"; }
packed() { gzip -9n >"$1"; }

put 755 "$CARGO_TARGET_DIR/dist/$NAME" usr/bin/$NAME
put 644 "$HERE/config.toml" etc/$NAME/config.toml
put 644 "$HERE/litestream.yml" etc/$NAME/litestream.yml
for unit in $NAME $NAME-node $NAME-litestream; do
  put 644 "$HERE/$unit.service" lib/systemd/system/$unit.service
done
put 644 "$HERE/$NAME-game-node.service" usr/lib/systemd/user/$NAME-game-node.service
put 644 "$HERE/$NAME.sysusers" usr/lib/sysusers.d/$NAME.conf
put 644 "$HERE/$NAME.tmpfiles" usr/lib/tmpfiles.d/$NAME.conf

mkdir "$work/manual"
"$root/usr/bin/$NAME" manual "$work/manual"
put 644 "$work/manual/$NAME.bash" usr/share/bash-completion/completions/$NAME
put 644 "$work/manual/_$NAME" usr/share/zsh/vendor-completions/_$NAME
put 644 "$work/manual/$NAME.fish" usr/share/fish/vendor_completions.d/$NAME.fish
mkdir -p "$root/usr/share/man/man1"
for page in "$work/manual"/*.1; do
  packed "$root/usr/share/man/man1/${page##*/}.gz" <"$page"
done

put 644 "$HERE/copyright" usr/share/doc/$NAME/copyright
"$HERE/../inventory.py" licences $TARGET | packed "$doc/third-party.txt.gz"
sed -e "s/@VERSION@/$VERSION/g" -e "s/@DATE@/$(date -u -R -d "@$SOURCE_DATE_EPOCH")/" "$HERE/changelog" |
  packed "$doc/changelog.gz"
packed "$doc/CHANGELOG.md.gz" <CHANGELOG.md

# dpkg-shlibdeps requires a source package.
mkdir "$work/debian"
printf 'Source: %s\n\nPackage: %s\nArchitecture: amd64\n' $NAME $NAME >"$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O "$root/usr/bin/$NAME" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')

mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: $NAME
Version: $VERSION
Architecture: amd64
Maintainer: the dinkem-appliance authors <maintainers@dinkem.example>
Installed-Size: $(du -k -s --apparent-size --exclude=DEBIAN "$root" | cut -f1)
Depends: $libraries, init-system-helpers (>= 1.54), systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles
Recommends: ca-certificates
Section: video
Priority: optional
Description: turns Counter-Strike 2 demos into video clips
 A server that accepts a demo, a player and a round over HTTPS, passes the work
 to render nodes, and serves the finished MP4; the render node; and the command
 line for its operator and its clients, in one program.
 .
 The server starts immediately, on port 443, with one render node inside.
CONTROL
printf '/etc/%s\n' $NAME/config.toml $NAME/litestream.yml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  install -m 755 "$HERE/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

package=${NAME}_${VERSION}_amd64.deb
mkdir -p "$OUT"
dpkg-deb --root-owner-group -Zxz --build "$root" "$OUT/$package" >/dev/null
"$HERE/../inventory.py" sbom $TARGET >"$OUT/$package.cdx.json"
(cd "$OUT" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf "%P\0" | sort -z | xargs -0 sha256sum >SHA256SUMS)
echo "$(cd "$OUT" && pwd)/$package"
