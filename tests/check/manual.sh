#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# manual.sh BUILDDIR - the manual pages are well formed, and say what the program says: each key of config.json, each
# column of the public views, each command.
set -u
. "$(dirname "$0")/../report.sh"
build=${1:?usage: manual.sh BUILDDIR}
cd "$(dirname "$0")/../.." || exit 1
man=packaging/man

check_form()
{
	name=manual/$(basename "$1")
	if command -v mandoc >/dev/null 2>&1; then
		why=$(mandoc -T lint -W warning "$1" 2>&1)
	elif command -v groff >/dev/null 2>&1; then
		why=$(groff -mdoc -ww -z "$1" 2>&1)
	else
		skip "$name" "neither mandoc nor groff is installed"
		return
	fi
	if [ -n "$why" ]; then
		fail "$name" "$(echo "$why" | head -n 3)"
	else
		ok "$name"
	fi
}

# check_all_in NAME PAGE WORD-PER-LINE: every one stands in the page, as .It or marked up.
check_all_in()
{
	missing=$(echo "$3" | while read -r word; do
		[ -z "$word" ] || sed 's/\\&//g; s/\\-/-/g' "$2" | grep -qwF -- "$word" || echo "\"$word\""
	done)
	if [ -n "$missing" ]; then
		fail "$1" "not in $2: $(echo $missing)"
	else
		ok "$1"
	fi
}

check_keys()
{
	if [ ! -r config/keys.c ]; then
		skip manual/keys "config/keys.c is not there"
		return
	fi
	keys=$(grep -oE '"(DB|Dash|Desktop|Every|GeoIP|Log|Notify|Perf|Read|Set|VT) [^"\\]*"' config/keys.c | tr -d '"' | sort -u)
	[ "$(echo "$keys" | wc -l)" -ge 20 ] || { fail manual/keys "found fewer than 20 keys in config/keys.c"; return; }
	check_all_in manual/keys $man/femtosnitch-config.5 "$keys"
}

# The columns as the program's own schema makes them: a database is built from it, and asked.
check_columns()
{
	if ! command -v sqlite3 >/dev/null 2>&1; then
		skip manual/columns "needs sqlite3"
		return
	fi
	dump=$(mktemp -d)
	cat > "$dump/dump.c" <<-'C'
		#include <stdio.h>
		#include "store/schema.h"
		int main(void) { fputs(SCHEMA_ALL, stdout); return 0; }
	C
	if ! ${CC:-cc} -I. -o "$dump/dump" "$dump/dump.c" 2>"$dump/why"; then
		fail manual/columns "$(head -n 3 "$dump/why")"
		rm -rf "$dump"
		return
	fi
	# each example, up to its semicolon, is a statement that this database understands
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/{/^\.Bd/,/^\.Ed/{/^\./!p}}' $man/femtosnitch-schema.5 > "$dump/examples"
	columns=$("$dump/dump" | sqlite3 "$dump/db" 2>&1
		for view in $(sqlite3 "$dump/db" "SELECT name FROM sqlite_master WHERE type = 'view'"); do
			echo "Em $view"
			sqlite3 "$dump/db" "SELECT name FROM pragma_table_info('$view')"
		done)
	why=$(sqlite3 "$dump/db" < "$dump/examples" 2>&1)
	[ "$(grep -c ';$' "$dump/examples")" -ge 3 ] || why="found fewer than 3"
	rm -rf "$dump"
	if [ -n "$why" ]; then fail manual/examples "$why"; else ok manual/examples; fi
	[ "$(echo "$columns" | wc -l)" -ge 40 ] || { fail manual/columns "schema said: $columns"; return; }
	check_all_in manual/columns $man/femtosnitch-schema.5 "$(echo "$columns" | sort -u)"
}

check_commands()
{
	if [ ! -x "$build/femtosnitch" ]; then
		skip manual/commands "femtosnitch is not built"
		return
	fi
	commands=$("$build/femtosnitch" help 2>&1 | sed -n 's/^  *\([a-z][a-z-]*\)  .*/\1/p')
	[ -n "$commands" ] || { fail manual/commands "femtosnitch help lists none"; return; }
	check_all_in manual/commands $man/femtosnitch.1 "$commands"
	questions=$("$build/femtosnitch-view" query --help 2>&1 | sed -n 's/^  \([a-z][a-z]*\)  *[A-Z a-z].*/\1/p;
		s/^  --\([a-z-]*\) .*/Fl -\1/p' | grep -vxF femtosnitch)
	[ "$(echo "$questions" | wc -l)" -ge 10 ] || { fail manual/questions "query --help lists: $questions"; return; }
	check_all_in manual/questions $man/femtosnitch.1 "$questions"
}

for page in $man/*.[1-8]; do
	check_form "$page"
done
check_keys
check_columns
check_commands
