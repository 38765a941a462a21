#!/usr/bin/env bash
# Builds a container image of the server and the render node, without a daemon: dinkem-appliance_VERSION_amd64.oci.tar,
# an OCI archive; the last line printed is its path. The image has the program, Debian's C and C++ libraries that it
# links, and Debian's CA certificates. The same program and packages give the same image. Requires Debian or Ubuntu.
#
#   packaging/oci/build.sh [--program FILE] [FOLDER]   default: packages/ in Cargo's target directory
#   packaging/oci/build.sh [--program FILE] --stage FOLDER   only what the Containerfile copies
#
# --program takes a program that is already built, instead of the Debian package's.
set -euo pipefail
umask 022
export LC_ALL=C
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)

NAME=dinkem-appliance
LIBRARIES=(libc6 libgcc-s1 libstdc++6)
TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}
VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml" | head -1)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$ROOT" log -1 --format=%ct 2>/dev/null || stat -c %Y "$ROOT/Cargo.toml")}
export SOURCE_DATE_EPOCH

program='' stage=''
while [ $# -gt 0 ]; do
  case $1 in
    --program) program=$(realpath "$2") && shift 2 ;;
    --stage) stage=$2 && shift 2 ;;
    -*) sed -n 's/^# \{0,1\}//;2,9p' "$0" >&2 && exit 2 ;;
    *) break ;;
  esac
done
[ -n "$stage" ] || "$HERE/../setup.sh" oci

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "$stage" ]; then
  mkdir -p "$stage"
else
  stage=$work/stage
fi
root=$stage/root
mkdir -p "$root"/{etc/ssl/certs,tmp,usr/bin,usr/lib,usr/lib64,var/lib/dpkg/status.d} "$stage/state/dinkem"
chmod 1777 "$root/tmp"
chmod 700 "$stage/state/dinkem"
# Packages of Debian 13 expect these links, those of Debian 12 go through them.
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"

unpack() {
  dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink --no-same-owner -C "$root"
  # Scanners of images find packages here.
  dpkg-deb --field "$1" >"$root/var/lib/dpkg/status.d/$(dpkg-deb --field "$1" Package)"
}

if [ -n "$program" ]; then
  install -m 755 "$program" "$root/usr/bin/$NAME"
else
  package=$("$HERE/../deb/build-deb.sh" "$work/deb" | tail -n 1)
  mkdir "$work/program"
  dpkg-deb -x "$package" "$work/program"
  cp -a "$work/program/usr/bin/$NAME" "$root/usr/bin/"
  mkdir -p "$root/usr/share/doc/$NAME"
  cp "$work/program/usr/share/doc/$NAME"/{copyright,third-party.txt.gz} "$root/usr/share/doc/$NAME/"
fi
mkdir "$work/libraries"
# The licence of GCC's libraries is in a package of its own.
licence=$(apt-cache depends libgcc-s1 | sed -n 's/^ *Depends: \(gcc-[0-9]*-base\)$/\1/p')
download() {
  (cd "$work/libraries" && apt-get -qq -o APT::Sandbox::User=root download "${LIBRARIES[@]}" "$licence" ca-certificates >&2)
}
# The second time with new lists of packages, if these are too old.
download || { apt-get -qq -o DPkg::Lock::Timeout=600 update >&2 && download; }
for package in "$work/libraries"/*.deb; do
  unpack "$package"
done

# What a package's own script would do.
cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
# Of the packages' other files only licences stay.
rm -rf "$root"/usr/share/doc/*/examples "$root/usr/share"/{ca-certificates,gcc,gdb,lintian,man} "$root/usr/sbin" "$root/etc/ca-certificates" \
  "$root"/usr/lib/*/{gconv,audit}
find "$root/usr/share/doc" -mindepth 2 ! -name copyright ! -name third-party.txt.gz -delete
find "$root" -type d -empty ! -path "$root/tmp" -delete
printf 'root:x:0:0::/:\ndinkem:x:65532:65532::/var/lib/dinkem:\n' >"$root/etc/passwd"
printf 'root:x:0:\ndinkem:x:65532:\n' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

missing=$(LD_LIBRARY_PATH='' ldd "$root/usr/bin/$NAME" | sed -n 's/^\t\([^ ]*\) => .*/\1/p' | while read -r library; do
  [ -e "$root/usr/lib/$(uname -m)-linux-gnu/$library" ] || echo "$library"
done)
if [ -n "$missing" ]; then
  echo "build.sh: the image has no $missing; add its package to LIBRARIES" >&2
  exit 1
fi
if [ "$stage" != "$work/stage" ]; then
  echo "$stage"
  exit
fi

out=${1:-$TARGET_DIR/packages}
mkdir -p "$out"
image=$(cd "$out" && pwd)/${NAME}_${VERSION}_amd64.oci.tar
# Its own, throwaway storage; nothing is run, so nothing needs to be isolated.
storage=(--root "$work/storage" --runroot "$work/run" --storage-driver vfs)
buildah "${storage[@]}" build --quiet --isolation chroot --timestamp "$SOURCE_DATE_EPOCH" --format oci \
  --label org.opencontainers.image.version="$VERSION" --file "$HERE/Containerfile" --tag "$NAME:$VERSION" "$stage" >&2
buildah "${storage[@]}" push --quiet "$NAME:$VERSION" "oci:$work/image:$NAME:$VERSION" >&2
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -C "$work/image" -cf "$image" .
echo "$image"
