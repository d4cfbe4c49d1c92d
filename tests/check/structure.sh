#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# structure.sh - the walls of the house: what stands at the top, which folder may include what, names that say
# nothing. The linker guards the same; here the message is kind.
set -u
. "$(dirname "$0")/../report.sh"

in_git()
{
	git rev-parse --is-inside-work-tree >/dev/null 2>&1
}

# The files of the project: what git knows, or in a tarball everything but what was built.
project_files()
{
	if in_git; then
		git ls-files
	else
		find . -path ./build -prune -o -type f -print | sed 's|^\./||'
	fi
}

check_top_level()
{
	allowed='LICENSE Makefile README.md .ci .clang-format .gitignore bpf collector config hasher packaging store tests view'
	bad=$(project_files | cut -d/ -f1 | sort -u | grep -vxF "$(echo "$allowed" | tr ' ' '\n')")
	if [ -n "$bad" ]; then
		fail structure/top-level "not in the design: $(echo $bad)"
	else
		ok structure/top-level
	fi
}

# May a file of folder $1 include $2? Its own headers, the floor, the wire contract; view also the schema's text.
# object.c is the one includer of the generated skeleton.
may_include()
{
	case $1:$2 in
	*:config/*.h | *:bpf/wire.h) return 0 ;;
	bpf:bpf/*.h) return 0 ;;
	collector:bpf/femtosnitch*.skel.h) [ "$3" = collector/object.c ] ;;
	view:store/schema.h) return 0 ;;
	"$1:$1/"*.h) return 0 ;;
	*) return 1 ;;
	esac
}

check_includes()
{
	bad=$(project_files | grep -E '^(bpf|collector|config|hasher|store|view)/.*\.[ch]$' | while read -r file; do
		folder=${file%%/*}
		sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file" | while read -r header; do
			may_include "$folder" "$header" "$file" || echo "$file includes $header;"
		done
		grep -n '#[ \t]*include.*\.c[">]' "$file" | sed "s|^|$file: |"
	done)
	if [ -n "$bad" ]; then
		fail structure/includes "$(echo $bad)"
	else
		ok structure/includes
	fi
}

check_names()
{
	bad=$(project_files | grep -E '(^|/)(util|utils|common|misc|helper|helpers)(/|[._-]|$)')
	if [ -n "$bad" ]; then
		fail structure/names "these names say nothing: $(echo $bad)"
	else
		ok structure/names
	fi
}

# Each C file says whose it is and under which licence, first of all.
check_heads()
{
	bad=$(project_files | grep -E '\.[ch]$' | while read -r file; do
		[ -f "$file" ] || continue
		sed 2q "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || echo "$file"
	done)
	if [ -n "$bad" ]; then
		fail structure/licence "no SPDX line: $(echo $bad)"
	else
		ok structure/licence
	fi
}

cd "$(dirname "$0")/../.." || exit 1
check_top_level
check_includes
check_names
check_heads
