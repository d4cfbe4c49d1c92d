#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels.sh - the table of what is exact on which kernel is where the README says, and has a row for each scenario.
set -u
# shellcheck disable=SC1091
. "$(dirname "$0")/../report.sh"
cd "$(dirname "$0")/../.." || exit 1
table=tests/kernels/MATRIX.md

# Scenarios whose names stand in the script as they are; a loop's are made of variables.
scenarios() # FILE...
{
	sed -n 's/^[[:space:]]*scenario \([a-z0-9_]*\) .*/\1/p' "$@" | sort -u
}

without_row()
{
	while read -r name; do
		grep -q "^| $name |" $table || echo "$name"
	done | tr '\n' ' '
}

if ! [ -s $table ] || ! grep -qF "($table)" README.md; then
	fail kernels/table "README.md does not link to $table, or it is not there: make kernels"
	exit 1
fi
missing=$(scenarios tests/e2e/traffic.sh | without_row)
if [ -n "$missing" ]; then
	fail kernels/table "no row for: $missing: make kernels"
else
	ok kernels/table
fi

# The table takes hours to make, so that whoever adds a scenario need not have made it anew at once.
missing=$(scenarios tests/e2e/*.sh | without_row)
if [ -n "$missing" ]; then
	skip kernels/rows "not in the table yet: $missing: make kernels"
else
	ok kernels/rows
fi
