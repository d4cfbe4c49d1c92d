# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - the rig of the end-to-end tests, for measurements: each part prints rows of one table, the budget
# beside the figure.
. "$(dirname "$0")/../e2e/lib.sh"

# One row: what, measured, budget, and whether it keeps it ("-": there is no budget).
figure() { # WHAT MEASURED BUDGET [UNIT]
	verdict=$(awk -v m="$2" -v b="$3" 'BEGIN { print b == "-" ? "" : (m + 0 <= b + 0 ? "ok" : "OVER") }')
	printf '%-50s %18s %18s  %s\n' "$1" "$2${4:+ $4}" "$3" "$verdict"
}

# The same where the figure must be reached exactly.
exact() { # WHAT MEASURED WANT
	[ "$2" = "$3" ] && verdict=ok || verdict=WRONG
	printf '%-50s %18s %18s  %s\n' "$1" "$2" "$3" "$verdict"
}

now_ms() { date +%s%3N; }

# Processor time of all our processes so far, in microseconds.
daemon_cpu_us() {
	for pid in $(stage_pids); do cat /proc/"$pid"/task/*/schedstat 2>/dev/null; done |
		awk '{ s += $1 } END { printf "%d\n", s / 1000 }'
}
