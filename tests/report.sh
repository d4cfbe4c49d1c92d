# SPDX-License-Identifier: GPL-2.0-or-later
# report.sh - how a test says what it found, and how a runner counts it. Sourced by the scripts under tests/.
#
# A test script gets BUILDDIR as its first argument and prints one line per thing tested: `ok NAME`,
# `FAIL NAME: why`, `SKIP NAME: reason`. Anything else it prints is a log, shown only when something failed. To
# exit non-zero without a FAIL line counts as a failure. Names hold no colon.

ok()
{
	echo "ok $1"
}

fail()
{
	echo "FAIL $1: $2"
}

skip()
{
	echo "SKIP $1: $2"
}

# run_script NAME SECONDS PROGRAM [ARG...]: run it, pass on its lines, add a FAIL if it ended badly without one.
run_script()
{
	_name=$1
	_seconds=$2
	shift 2
	_log=$(mktemp)
	_rc=0
	timeout -k 5 "$_seconds" "$@" > "$_log" 2>&1 < /dev/null || _rc=$?
	grep -aE '^(ok|FAIL|SKIP) ' "$_log" || true
	if ! grep -aqE '^FAIL ' "$_log"; then
		case $_rc in
		0) ;;
		124 | 137) fail "$_name" "not done after $_seconds s"; _rc=1 ;;
		*) fail "$_name" "exit code $_rc" ;;
		esac
		if [ $_rc = 0 ] && ! grep -aqE '^(ok|SKIP) ' "$_log"; then
			fail "$_name" "said nothing"
			_rc=1
		fi
	else
		_rc=1
	fi
	[ $_rc = 0 ] || grep -avE '^(ok|FAIL|SKIP) ' "$_log" | tail -n 40 | sed 's/^/    | /'
	rm -f "$_log"
}

# report_end FILE: the closing line, alone, from all lines that were printed. False if one failed.
report_end()
{
	awk '/^ok / { ok++ } /^FAIL / { bad++ } /^SKIP / { skip++ }
		END { printf "%d passed, %d failed, %d skipped\n", ok, bad, skip; exit bad > 0 }' "$1"
}
