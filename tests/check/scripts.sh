#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# scripts.sh - every shell script parses, in the shell its first line names.
set -u
. "$(dirname "$0")/../report.sh"
cd "$(dirname "$0")/../.." || exit 1

checked=0
bad=
for file in .ci/* packaging/* packaging/completion/*.bash packaging/debian/* tests/run-* tests/*.sh tests/*/*; do
	[ -f "$file" ] || continue
	case $file in
	*.sh) shell=$(sed -n '1s|^#! *\(/usr\)\{0,1\}/bin/\(env \)\{0,1\}\([a-z]*\).*|\3|p' "$file") ;;
	*.bash) shell=bash ;;
	*) shell=$(sed -n '1s|^#! *\(/usr\)\{0,1\}/bin/\(env \)\{0,1\}\([a-z]*\).*|\3|p' "$file" 2>/dev/null | tr -d '\0') ;;
	esac
	case $file:$shell in
	*:sh | *:bash) ;;
	*.sh:) shell=sh ;;
	*) continue ;;
	esac
	checked=$((checked + 1))
	if ! why=$("$shell" -n "$file" 2>&1); then
		fail "scripts/$file" "$why"
		bad=1
	fi
	case $file in
	*/lib.sh | */machine.sh | */session.sh | tests/report.sh | *.bash) continue ;;
	esac
	[ -x "$file" ] || { fail "scripts/$file" "is not executable"; bad=1; }
done
[ -n "$bad" ] || ok "scripts ($checked parsed)"
