#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# package.sh BUILDDIR - `make deb` of the last commit, installed with dpkg where nothing of this machine is touched:
# the service runs, the commands answer, removing keeps the log, purging does not.
set -u
. "$(dirname "$0")/machine.sh"
machine_enter package "$@"

for tool in dpkg-buildpackage dh git; do
	if ! command -v $tool >/dev/null 2>&1; then
		skip package "$tool is not installed: packaging/deps install package"
		exit 0
	fi
done
version=$(sed -n 's/^VERSION := //p' "$top/Makefile")
if ! deb=$("$top/packaging/make-deb" "$version" 2>&1); then
	fail package_build "$(echo "$deb" | tail -n 3)"
	exit 1
fi
deb=$top/$(echo "$deb" | tail -n 1)
ok package_build
if command -v lintian >/dev/null 2>&1; then
	# the maintainer's address is for the distribution that takes the package
	bad=$(lintian --allow-root --fail-on none --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog "$deb" 2>&1 |
		grep -E '^[EW]:')
	if [ -z "$bad" ]; then ok package_lintian; else fail package_lintian "$bad"; fi
fi

machine_make
cp "$deb" $root/run-test/femtosnitch.deb
machine_boot /lib/systemd/system

dpkg -i /run-test/femtosnitch.deb >/run-test/dpkg.log 2>&1
same package_install $? 0
if [ -x /usr/libexec/femtosnitch/femtosnitch-notify ]; then
	same package_user_unit "$(readlink /etc/systemd/user/graphical-session.target.wants/femtosnitch-notify.service)" \
		/usr/lib/systemd/user/femtosnitch-notify.service
	same package_autostart "$(grep -c '^Exec=/usr/libexec/femtosnitch/femtosnitch-notify$' /etc/xdg/autostart/femtosnitch-notify.desktop)" 1
	same package_session_said "$(grep -c 'systemctl --user start femtosnitch-notify' /run-test/dpkg.log)" 1
fi
same package_enabled "$(readlink /etc/systemd/system/multi-user.target.wants/$unit)" /lib/systemd/system/$unit
ctl daemon-reload
ctl start $unit
same package_runs "$(property ActiveState)" active
is_state active || cat /run-test/unit.log
femtosnitch status > /run-test/status 2>&1
same package_status $? 0
same package_query "$(femtosnitch query --csv 'SELECT count(*) >= 0 AS c FROM connections' 2>&1 | tr -d '\r' | tr '\n' ' ')" 'c 1 '
same package_man "$(man -w femtosnitch femtosnitch-config femtosnitch-schema 2>&1 | grep -c 'femtosnitch.*gz')" 3
same package_no_compiler "$(dpkg-query -W -f='${Depends}' femtosnitch | grep -cE 'gcc|clang|llvm|-dev|headers')" 0
ctl stop $unit
dpkg -r femtosnitch 2>&1
same package_remove "$(ls -d /usr/bin/femtosnitch /usr/libexec/femtosnitch /var/lib/femtosnitch/snitch.db 2>/dev/null)" /var/lib/femtosnitch/snitch.db
dpkg -P femtosnitch 2>&1
same package_purge "$(ls -d /var/lib/femtosnitch /var/log/femtosnitch /etc/femtosnitch 2>/dev/null)" ''
