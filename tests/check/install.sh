#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# install.sh BUILDDIR - `make install` into a directory of its own, and away again.
set -u
. "$(dirname "$0")/../report.sh"
build=${1:?usage: install.sh BUILDDIR}
cd "$(dirname "$0")/../.." || exit 1

if [ ! -x "$build/femtosnitch" ]; then
	skip install "femtosnitch is not built"
	exit 0
fi
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
export DESTDIR="$dest" PREFIX=/opt/f SYSCONFDIR=/opt/f/etc

if ! why=$(packaging/install "$build" 2>&1); then
	fail install "$why"
	exit 1
fi
programs=$(find "$dest" -type f -perm 755 | sed "s|^$dest||" | sort | tr '\n' ' ')
want='/opt/f/bin/femtosnitch /opt/f/libexec/femtosnitch/femtosnitch-collector /opt/f/libexec/femtosnitch/femtosnitch-geoip /opt/f/libexec/femtosnitch/femtosnitch-hasher '
want="$want/opt/f/libexec/femtosnitch/femtosnitch-import "
[ ! -x "$build/femtosnitch-mariadb" ] || want="$want/opt/f/libexec/femtosnitch/femtosnitch-mariadb "
want="$want/opt/f/libexec/femtosnitch/femtosnitch-names /opt/f/libexec/femtosnitch/femtosnitch-notices "
[ ! -x "$build/femtosnitch-notify" ] || want="$want/opt/f/libexec/femtosnitch/femtosnitch-notify "
want="$want/opt/f/libexec/femtosnitch/femtosnitch-postgres /opt/f/libexec/femtosnitch/femtosnitch-reverse /opt/f/libexec/femtosnitch/femtosnitch-rpmdb /opt/f/libexec/femtosnitch/femtosnitch-store /opt/f/libexec/femtosnitch/femtosnitch-verify /opt/f/libexec/femtosnitch/femtosnitch-view /opt/f/libexec/femtosnitch/femtosnitch-virustotal "
if [ "$programs" = "$want" ]; then ok install; else fail install "programs: $programs"; fi

unit=$dest/opt/f/lib/systemd/system/femtosnitch.service
if grep -q '^ExecStart=/opt/f/bin/femtosnitch run --config /opt/f/etc/femtosnitch/config.json$' "$unit" &&
	! grep -q '@[A-Z]*@' "$unit" "$dest/opt/f/lib/tmpfiles.d/femtosnitch.conf"; then
	ok install_paths
else
	fail install_paths "the unit names other paths: $(grep '^ExecStart=' "$unit")"
fi

packaging/install --remove > /dev/null
left=$(find "$dest" -type f -o -type l -o -type d -name '*femtosnitch*')
if [ -z "$left" ]; then ok install_remove; else fail install_remove "left: $left"; fi

# the paths are compiled in: another PREFIX is another build of the floor, not a stale one
if env -u MAKEFLAGS -u MAKELEVEL make -n B="$build" PREFIX=/another all 2>/dev/null | grep -q 'obj/config/main\.o'; then
	ok install_rebuilds
else
	fail install_rebuilds "another PREFIX would install programs that look in the old one"
fi
