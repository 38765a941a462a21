#!/usr/bin/env bash
# The Debian package, in one command from a clean clone; the last line says where: packaging/build-deb.sh [FOLDER]
exec "$(dirname "$0")/deb/build-deb.sh" "$@"
