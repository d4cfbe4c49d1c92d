# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - the rig of the end-to-end tests, sourced by each of them: `. "$(dirname "$0")/lib.sh"`. The script's
# first argument is the build directory.
#
# Two network namespaces, A and B, are joined by a veth pair; nothing leads out. A holds the programs under
# test, B their peer. Each program under test is a copy of an actor under a name of its own, so that its path
# and its SHA-256 say which one a row belongs to. Each run has names, addresses and a directory of its own and
# leaves nothing behind.
#
# Environment: KEEP=1 keeps the directory; HOOKS=tracepoints or trampolines asks for that set of hooks; SLOW=5 gives
# everything five times as long, on an emulated machine; FAST=1 moves fewer bytes where a script knows how.

set -u
export LC_ALL=C
TOP=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=$(cd "${1:-${B:-$TOP/build}}" && pwd) || exit 1
FEMTO=$BUILD/femtosnitch
ACTORS=$BUILD/tests/actors
A=fs$$a B=fs$$b
A4=198.18.0.1 B4=198.18.0.2 B4B=198.18.0.3 A6=fd18::1 B6=fd18::2
DROPPED=198.18.8.1 REJECTED=198.18.8.129 PROHIBITED=198.18.9.1 NOWHERE=192.0.2.1 NOBODY=198.18.0.99
SINK=7001 SOURCE=7002 ECHO=7003 RESET=7004
DAEMON='' PEER='' JOBS='' FAILED=0
SLOW=${SLOW:-1}

. "$TOP/tests/report.sh" # ok, skip, fail

fail() { # that a script knows it failed, it shows the daemon's log
	FAILED=1
	echo "FAIL $1: $(printf '%s' "$2" | tr '\n' '|')"
}

# Compare two values and say the test's result.
same() { # NAME GOT WANT
	if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "got '$2', want '$3'"; fi
}

skip_all() { # REASON
	skip "$(basename "$0" .sh)" "$1"
	exit 0
}

# ---- the rig

rig_start() {
	[ "$(id -u)" = 0 ] || skip_all 'needs root'
	for tool in ip nsenter sqlite3 sha256sum; do
		command -v $tool >/dev/null || skip_all "needs $tool"
	done
	[ -x "$FEMTO" ] || { fail "$(basename "$0" .sh)" "no $FEMTO"; exit 1; }
	T=$(mktemp -d /tmp/femtosnitch-test.XXXXXX) || exit 1
	trap rig_end EXIT
	trap 'exit 1' INT TERM HUP
	chmod 755 "$T"
	mkdir "$T/bin" "$T/said"
	DB=$T/state/snitch.db
	ip netns add $A && ip netns add $B || skip_all 'no network namespaces here'
	ip -n $A link add va type veth peer name vb netns $B || skip_all 'no veth here'
	ip -n $A link set lo up
	ip -n $B link set lo up
	ip -n $A addr add $A4/24 dev va
	ip -n $B addr add $B4/24 dev vb
	ip -n $B addr add $B4B/24 dev vb
	ip -n $A addr add $A6/64 dev va nodad
	ip -n $B addr add $B6/64 dev vb nodad
	ip -n $A link set va up
	ip -n $B link set vb up
	ip -n $A route add 198.18.8.0/24 via $B4
	ip -n $B route add blackhole 198.18.8.0/25
	ip -n $B route add unreachable 198.18.8.128/25
	ip -n $A route add prohibit 198.18.9.0/24
	in_b sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 3 >/proc/sys/net/ipv4/tcp_fastopen'
	for rig_ns in $A $B; do # off by default on old kernels
		nsenter --net=/run/netns/$rig_ns -- sh -c '[ ! -e /proc/sys/net/mptcp/enabled ] || echo 1 >/proc/sys/net/mptcp/enabled'
	done
	in_a sh -c 'echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
		echo "1024 65535" >/proc/sys/net/ipv4/ip_local_port_range
		echo 3 >/proc/sys/net/ipv4/tcp_fastopen
		echo 2 >/proc/sys/net/ipv4/neigh/va/mcast_solicit
		echo 2 >/proc/sys/net/ipv6/neigh/va/mcast_solicit'
}

rig_end() {
	trap - EXIT
	for pid in $JOBS $PEER; do kill -KILL "$pid" 2>/dev/null; done
	if [ -n "$DAEMON" ]; then
		kill -TERM "$DAEMON" 2>/dev/null
		gone "$DAEMON" 60 || kill -KILL "$DAEMON" 2>/dev/null
	fi
	ip netns del $A 2>/dev/null
	ip netns del $B 2>/dev/null
	[ $FAILED = 1 ] && [ -s "$T/daemon.log" ] && {
		echo '--- end of the log of the daemon'
		tail -n 30 "$T/daemon.log"
	} >&2
	awk -v d="$T" 'index($5, d "/") == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r -n1 umount -l
	if [ -n "${KEEP:-}" ]; then echo "kept: $T" >&2; else rm -rf "$T"; fi
}

in_a() { nsenter --net=/run/netns/$A -- "$@"; }
in_b() { nsenter --net=/run/netns/$B -- "$@"; }
# Only with & behind: then $! is the program itself.
bg_a() { exec nsenter --net=/run/netns/$A -- "$@"; }
bg_b() { exec nsenter --net=/run/netns/$B -- "$@"; }

# Wait until a process is gone, in tenths of a second (of a machine that is not slow).
gone() { # PID TENTHS
	i=0
	while kill -0 "$1" 2>/dev/null; do
		case $(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null) in Z | '') return 0 ;; esac
		[ $i -ge $(($2 * SLOW)) ] && return 1
		i=$((i + 1))
		sleep 0.1
	done
}

# Wait until FILE has a line that matches, 10 s at most.
said() { # FILE PATTERN [TENTHS]
	i=0
	until grep -q -e "$2" "$1" 2>/dev/null; do
		[ $i -ge $((${3:-100} * SLOW)) ] && return 1
		i=$((i + 1))
		sleep 0.1
	done
}

# A copy of an actor that is like no other file.
copy() { # NAME ACTOR
	cp "$ACTORS/$2" "$T/bin/$1" && printf '%s\n' "$1" >>"$T/bin/$1"
}

peer_start() {
	copy peer peer
	bg_b "$T/bin/peer" >"$T/said/peer" 2>"$T/said/peer.err" &
	PEER=$!
	said "$T/said/peer" ready || { fail peer "$(cat "$T/said/peer.err")"; exit 1; }
}

# The peer says what it moved (as `moved peer` will read it).
peer_stop() {
	kill -TERM "$PEER"
	wait "$PEER"
	PEER=''
}

# Run a copy of an actor in A. What it said is in $T/said/NAME. False if it failed or cannot run here.
act() { # NAME ACTOR ARG...
	act_name=$1
	copy "$1" "$2"
	shift 2
	in_a "$T/bin/$act_name" "$@" >"$T/said/$act_name" 2>"$T/said/$act_name.err"
	case $? in
	0) return 0 ;;
	77)
		skip "$act_name" "$(cat "$T/said/$act_name.err")"
		rm "$T/said/$act_name"
		;;
	*) fail "$act_name" "the actor failed: $(cat "$T/said/$act_name.err")" ;;
	esac
	return 1
}

# The same in the background; wait for $!.
act_later() { # NAME ACTOR ARG...
	act_name=$1
	copy "$1" "$2"
	shift 2
	bg_a "$T/bin/$act_name" "$@" >"$T/said/$act_name" 2>"$T/said/$act_name.err" &
	JOBS="$JOBS $!"
}

# A server of the test's own, in namespace a or b: it listens ("ready") when this returns. False as act.
serve() { # a|b NAME ACTOR ARG...
	serve_in=$1
	serve_name=$2
	copy "$2" "$3"
	shift 3
	bg_"$serve_in" "$T/bin/$serve_name" "$@" >"$T/said/$serve_name" 2>"$T/said/$serve_name.err" &
	server=$!
	JOBS="$JOBS $server"
	until said "$T/said/$serve_name" ready 1; do
		gone $server 0 || continue
		wait $server
		case $? in
		77) skip "$serve_name" "$(cat "$T/said/$serve_name.err")" ;;
		*) fail "$serve_name" "the server failed: $(cat "$T/said/$serve_name.err")" ;;
		esac
		return 1
	done
}

# Wait until it has said what it moved.
served() { # NAME
	said "$T/said/$1" 'sent [0-9]* received' || fail "$1" "does not end: $(cat "$T/said/$1" "$T/said/$1.err")"
}

moved() { # NAME -> "SENT RECEIVED"
	sed -n 's/^.*sent \([0-9]*\) received \([0-9]*\)$/\1 \2/p' "$T/said/$1"
}

# ---- the daemon

# More lines of config.json may be given, each ", \"Key\": value".
daemon_config() {
	printf '{ "DB write limit (seconds)": 1, "Desktop notifications": false, "GeoIP lookup": false%s%s }\n' \
		"${HOOKS:+, \"Hooks\": \"$HOOKS\"}" "$*" >"$T/config.json"
}

daemon_run() {
	"$FEMTO" run --config "$T/config.json" --state-dir "$T/state" >>"$T/daemon.log" 2>&1 </dev/null &
	DAEMON=$!
}

daemon_start() { # [CONFIG...]
	[ -n "$*" ] || [ ! -e "$T/config.json" ] && daemon_config "$*"
	: >"$T/daemon.log"
	daemon_run
	i=0
	until grep -q 'femtosnitch: ready' "$T/daemon.log"; do
		i=$((i + 1))
		if [ $i -gt $((200 * SLOW)) ] || ! kill -0 $DAEMON 2>/dev/null; then
			fail daemon_start "no 'femtosnitch: ready': $(tail -n 3 "$T/daemon.log" | tr '\n' '|')"
			exit 1
		fi
		sleep 0.1
	done
	# what would be tested is the other set
	! grep -q "NOT PROVEN: ${HOOKS:-auto}: cannot be used" "$T/daemon.log" || skip_all "this kernel cannot use the $HOOKS"
	flush
	LOSSES=$(sql "SELECT count(*) FROM losses WHERE kind <> 'not watching'")
}

# Is what this hook sits on no part of this kernel? Then it is said why NAME cannot be.
absent() { # NAME PROGRAM-SECTION
	absent_why=$(sql "SELECT reason FROM coverage WHERE item = '$2' AND state = 'refused'
		AND (reason LIKE 'not in this kernel%' OR reason LIKE 'needs Linux%' OR reason LIKE 'this kernel refuses trampolines%')")
	[ -n "$absent_why" ] || return 1
	skip "$1" "$2: $absent_why"
}

stage_pids() { # the processes of our daemon, itself included, and those of its stages, each behind who started it
	descendants "$DAEMON"
}

descendants() { # PID
	echo "$1"
	for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do descendants "$child"; done
}

stage_pid() { # collector|names|hasher|store
	for pid in $(stage_pids); do
		case $(readlink "/proc/$pid/exe") in */femtosnitch-"$1") echo "$pid"; return ;; esac
	done
}

# Every BPF object that our processes hold, "prog 12" a line. Ids are never used twice, so that they can be
# looked for when the daemon has gone, whatever else runs on this machine.
kernel_objects() {
	for pid in $(stage_pids); do
		for f in /proc/"$pid"/fdinfo/*; do
			sed -n 's/^\(prog\|map\|link\)_id:[[:space:]]*\([0-9]*\)$/\1 \2/p' "$f" 2>/dev/null
		done
	done | sort -u
}

# What of these is still there; maps and programs are freed after a grace period.
kernel_left() { # FILE
	command -v bpftool >/dev/null || return 0
	tries=0
	while :; do
		left=$(while read -r kind id; do
			bpftool "$kind" show id "$id" >/dev/null 2>&1 && echo "$kind $id"
		done <"$1")
		[ -z "$left" ] || [ $tries -ge $((30 * SLOW)) ] && break
		tries=$((tries + 1))
		sleep 0.1
	done
	echo "$left"
}

# Stop in order; the exit code is the daemon's, 124 if it took longer than five seconds.
daemon_stop() {
	kill -TERM "$DAEMON" 2>/dev/null
	if ! gone "$DAEMON" 50; then
		kill -KILL "$DAEMON"
		DAEMON=''
		return 124
	fi
	wait "$DAEMON"
	daemon_rc=$?
	DAEMON=''
	return $daemon_rc
}

# The same as a test: exit 0, within five seconds, no process and nothing in the kernel left.
daemon_stop_clean() { # NAME
	kernel_objects >"$T/objects"
	stage_pids >"$T/pids"
	daemon_stop
	same "$1_exit" $? 0
	left=''
	for pid in $(cat "$T/pids"); do
		gone "$pid" 30 || left="$left $pid($(cat "/proc/$pid/comm" 2>/dev/null))"
	done
	same "$1_no_process_left" "$left" ''
	[ -s "$T/objects" ] || { fail "$1_nothing_left_in_kernel" 'saw no BPF object while it ran'; return; }
	same "$1_nothing_left_in_kernel" "$(kernel_left "$T/objects")" ''
}

# ---- questions

query() { "$FEMTO" query --state-dir "$T/state" "$@"; }

# Close the window and wait until it is committed.
flush() {
	tries=1
	until query --now --csv "SELECT 1" >/dev/null 2>"$T/flush.err"; do
		[ $tries -lt "$SLOW" ] || { fail flush "$(cat "$T/flush.err")"; return; }
		tries=$((tries + 1))
	done
}

sql() { # QUERY: rows, columns separated by one blank
	sqlite3 -readonly -batch -noheader -separator ' ' -cmd '.timeout 5000' "$DB" "$1"
}

row_sum() { # EXE [WHERE] -> "SENT RECEIVED"
	sql "SELECT coalesce(sum(send), 0), coalesce(sum(recv), 0) FROM connections
		WHERE exe = '$1' AND (${2:-1})"
}

# Wait until every row (of a program) has its SHA-256, which may come behind the row; 5 s at most.
hashed() { # [EXE]
	i=0
	flush
	while [ $i -lt $((25 * SLOW)) ] && [ "$(sql "SELECT count(*) FROM connections
		WHERE exe LIKE '${1:-%}' AND hash_error = 'pending'")" != 0 ]; do
		i=$((i + 1))
		sleep 0.2
		flush
	done
}

# To the byte what the actor said, in rows with its path.
check_sum() { # NAME [WHERE]
	same "$1" "$(row_sum "$T/bin/$1" "${2:-1}")" "$(moved "$1")"
}

# Every row of the program is as WHERE says, and there is at least one.
check_rows() { # NAME EXE WHERE
	bad=$(sql "SELECT count(*) FILTER (WHERE (${3}) IS NOT 1) || ' of ' || count(*) FROM connections
		WHERE exe = '$2'")
	case $bad in
	'0 of 0') fail "$1" "no row of $2" ;;
	'0 of '*) ok "$1" ;;
	*) fail "$1" "$bad rows are not as they should be: $(sql "SELECT * FROM connections WHERE exe = '$2'
		AND (${3}) IS NOT 1 LIMIT 1" | head -c 1000)" ;;
	esac
}

# ---- scenarios: actors whose rows are all verified after one flush

# Run an actor and remember what its rows must be like.
scenario() { # NAME FACTS ACTOR ARG...
	facts=$2
	name=$1
	shift 2
	act "$name" "$@" && expect "$name" "$facts"
}

expect() { # NAME FACTS
	printf '%s\t%s\n' "$1" "$2" >>"$T/expect"
}

to_port() { # PORT [FAMILY [HOST]]
	case ${2:-4} in
	4) echo "family = 2 AND raddr = '${3:-$B4}' AND laddr = '$A4' AND rport = $1 AND lport > 0" ;;
	6) echo "family = 10 AND raddr = '${3:-$B6}' AND laddr = '$A6' AND rport = $1 AND lport > 0" ;;
	esac
}

tcp() { echo "protocol = 6 AND result = 'open' AND raddr_source = 'socket' AND $(to_port "$@")"; }
udp() { echo "protocol = 17 AND result IS NULL AND raddr_source = 'socket' AND $(to_port "$@")"; }

# A window may close while a connection is being made.
pending='protocol IN (6, 262) AND result IS NULL AND send = 0 AND recv = 0'

check_expected() {
	while IFS='	' read -r name facts; do
		got=$(row_sum "$T/bin/$name")
		sum=$(sha256sum "$T/bin/$name" | cut -d' ' -f1)
		if [ "$got" != "$(moved "$name")" ]; then
			fail "$name" "rows say '$got', the system calls said '$(moved "$name")'"
		elif [ "$got" = '0 0' ]; then
			fail "$name" 'moved nothing'
		else
			check_rows "$name" "$T/bin/$name" "($facts OR $pending) AND sha256 = '$sum' AND hash_error IS NULL
				AND uid = 0 AND contime <= last_seen AND abs(contime - unixepoch()) < 120 * $SLOW"
		fi
	done <"$T/expect"
}

# A run without trouble has no losses but the time before it, and what this machine had running at the start. Actors
# that use io_uring or send several messages at once cannot be looked into for names: names.sh counts those.
check_no_losses() { # NAME
	same "$1" "$(sql "SELECT kind, records, bytes, detail FROM losses WHERE kind NOT IN ('not watching', 'name')
		LIMIT -1 OFFSET $LOSSES")" ''
}
