#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# scenarios.sh BUILDDIR - the public 24-scenario benchmark of per-process monitors, made anew: the same traffic, sizes
# and pace, one scenario after the other, each from a program with a name of its own to a peer in another network
# namespace, while the daemon runs with the default settings. That benchmark takes bytes within 10 % for right; here
# it is the exact byte, with the path, the SHA-256 and the peer. Takes two minutes; exits 1 if a scenario is wrong.
#
# The processor time is that of all our processes from the first scenario to the last row. What the BPF programs
# take is the programs' own time, not ours; BPF_STATS=1 in the environment shows it, and slows everything down
# by measuring it.
. "$(dirname "$0")/lib.sh"
C=fs$$c C4=198.18.1.1 C4B=198.18.1.2
CGROUP=
RATE=5m

# The container's own way to the peer, and its cgroup.
container_start() {
	ip netns add $C && ip -n $C link add vc type veth peer name vd netns $B || return 1
	ip -n $C addr add $C4/24 dev vc
	ip -n $B addr add $C4B/24 dev vd
	ip -n $C link set vc up
	ip -n $B link set vd up
	C_INODE=$(stat -L -c %i /run/netns/$C)
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	mkdir "$root/femtosnitch-test-$$" 2>/dev/null && CGROUP=$root/femtosnitch-test-$$
}

scenarios_end() {
	[ -n "${BPF_STATS:-}" ] && echo "$STATS_BEFORE" >/proc/sys/kernel/bpf_stats_enabled
	ip netns del $C 2>/dev/null
	rig_end
	[ -n "$CGROUP" ] && rmdir "$CGROUP"
}

# ---- one scenario

# Run COMMAND and remember what the rows of its program must be. Sums are those of all lines "sent N received M".
scenario() { # NAME WHAT FACTS COMMAND...
	name=$1 what=$2 facts=$3
	shift 3
	"$@" >"$T/said/$name" 2>"$T/said/$name.err"
	case $? in
	0) printf '%s\t%s\t%s\n' "$name" "$what" "$facts" >>"$T/expect" ;;
	77)
		skip "$name" "$(cat "$T/said/$name.err")"
		skipped=$((skipped + 1))
		;;
	*) fail "$name" "the actor failed: $(cat "$T/said/$name.err")" ;;
	esac
}

# An actor in A at a rate, - for none.
run() { # RATE ACTOR ARG...
	run_rate=${1#-}
	copy "$name" "$2"
	shift 2
	ACTOR_RATE=$run_rate in_a "$T/bin/$name" "$@"
}

# Two of it at once, which differ in their first argument.
both() { # RATE ACTOR FIRST SECOND ARG...
	both_rate=$1 first=$3 second=$4
	copy "$name" "$2"
	shift 4
	ACTOR_RATE=$both_rate in_a "$T/bin/$name" "$first" "$@" &
	one=$!
	ACTOR_RATE=$both_rate in_a "$T/bin/$name" "$second" "$@" && wait $one
}

# COUNT of it, WIDTH at a time, as fast as they can.
many() { # COUNT WIDTH ACTOR ARG...
	many_count=$1 many_width=$2
	copy "$name" "$3"
	copy spawn spawn
	shift 3
	in_a "$T/bin/spawn" "$many_count" "$many_width" "$T/bin/$name" "$@"
}

# A server beside it, in B or, on the loopback, in A.
beside() { # WHERE ACTOR ARG... -- COMMAND...
	where=$1 actor=$2
	copy "${name}_peer" "$actor"
	shift 2
	beside_args=
	while [ "$1" != -- ]; do
		beside_args="$beside_args $1"
		shift
	done
	shift
	bg_"$where" "$T/bin/${name}_peer" $beside_args >"$T/said/${name}_peer" 2>&1 &
	JOBS="$JOBS $!"
	said "$T/said/${name}_peer" ready || return 1
	"$@"
}

# Own process, mount and network namespaces, own root, own cgroup.
contained() { # ACTOR ARG...
	copy "$name" "$1"
	shift
	mkdir -p "$T/root"
	ACTOR_RATE=$RATE nsenter --net=/run/netns/$C -- unshare --mount --pid --fork sh -c '
		[ -z "$1" ] || echo 0 >"$1/cgroup.procs" || exit 1
		mount -t tmpfs none "$2" && cd "$2" && mkdir bin usr proc && cp "$3" bin && mount --bind /usr usr &&
			ln -s usr/lib lib && ln -s usr/lib64 lib64 && mount -t proc none proc || exit 1
		shift 3
		exec chroot . "$@"' sh "$CGROUP" "$T/root" "$T/bin/$name" "/bin/$name" "$@"
}

moved_in_all() { # NAME -> "SENT RECEIVED"
	awk '/sent [0-9]+ received [0-9]+$/ { s += $(NF - 2); r += $NF } END { printf "%d %d\n", s, r }' "$T/said/$1"
}

# ---- the 24

tcp="protocol = 6 AND raddr = '$B4' AND result = 'open' AND rport"
udp="protocol = 17 AND raddr = '$B4' AND rport"
peer="(raddr IS '$B4' OR raddr IS NULL AND raddr_source = 'unknown')"

all_scenarios() {
	scenario s01 'TCP down' "$tcp = $SOURCE" run $RATE tcp down $B4 $SOURCE 32m
	scenario s02 'TCP up' "$tcp = $SINK" run $RATE tcp up $B4 $SINK 32m
	scenario s03 'TCP up and down at once' "$tcp = $SOURCE" run $RATE tcp duplex $B4 $SOURCE 24m
	scenario s04 'UDP up and down' "$udp = $SOURCE" both $RATE udp up down $B4 $SOURCE 24576 1024
	scenario s05 'ICMP echo, 1000 bytes each' "protocol = 1 AND $peer" run $RATE icmp ping $B4 6291 1000
	scenario s06 'UDP to port 443' "$udp = 443" run $RATE udp up $B4 443 24576 1024
	scenario s07 'IPv6 TCP down' "protocol = 6 AND raddr = '$B6'" run $RATE tcp down $B6 $SOURCE 24m
	scenario s08 'SCTP down' "protocol = 132 AND raddr = '$B4'" run $RATE tcp -p sctp down $B4 7008 24m
	scenario s09 'UDP to port 53, 64 bytes each' "$udp = 53" run 2m udp up $B4 53 65536 64
	scenario s10 'raw IP, protocol 253' "protocol = 253 AND $peer" beside b raw serve $B4 4096 0 -- \
		run $RATE raw talk $B4 4096 1024
	scenario s11 '20 processes, one after the other' "$tcp = $SINK" many 20 1 tcp up $B4 $SINK 512k
	scenario s12 'AF_PACKET frames' 'family = 17 AND sniffed = 0' run $RATE packet send va 4096 1024
	scenario s13 'io_uring up' "$tcp = $SINK" run $RATE uring send inline $B4 $SINK 24m
	scenario s14 'sendfile up' "$tcp = $SINK" run $RATE tcp sendfile $B4 $SINK 32m
	scenario s15 'sendmmsg UDP' "$udp = $SINK" run $RATE batch up $B4 $SINK 24576 1024
	scenario s16 'loopback only' "protocol = 6 AND raddr = '127.0.0.1' AND rport = 7100" \
		beside a accept here 127.0.0.1 7100 1 24m -- run $RATE tcp half 127.0.0.1 7100 1k
	scenario s17 'in a container' "protocol = 6 AND raddr = '$C4B' AND netns = $C_INODE" contained tcp up $C4B $SINK 24m
	scenario s18 'drip' "$tcp = $SINK" run 128k tcp drip $B4 $SINK 2m 2048
	scenario s19 '60 small connections' "$tcp = $SINK" run 2m tcp many $B4 $SINK 64k 60
	scenario s20 '30 connections at once' "$tcp = $SINK" many 30 30 tcp up $B4 $SINK 256k
	scenario s21 'io_uring down' "$tcp = $SOURCE" run $RATE uring receive inline $B4 $SOURCE 24m
	scenario s22 'splice down' "$tcp = $SOURCE" run $RATE tcp splice_in $B4 $SOURCE 32m
	scenario s23 'recvmmsg UDP' "$udp = $SOURCE" run $RATE batch down $B4 $SOURCE 24576 1024
	scenario s24 'IPv6 UDP down' "protocol = 17 AND raddr = '$B6'" run $RATE udp down $B6 $SOURCE 24576 1024
}

# ---- what the rows say

# A window may close while a connection is being made.
pending='protocol = 6 AND result IS NULL AND send = 0 AND recv = 0'

judge() { # NAME WHAT FACTS
	exe=$T/bin/$1
	[ "$1" != s17 ] || exe=$T/root/bin/$1
	sum=$(sha256sum "$T/bin/$1" | cut -d' ' -f1)
	want=$(moved_in_all "$1")
	got=$(row_sum "$exe")
	[ "$want" != '0 0' ] || fail "$1" 'moved nothing'
	bad=$(sql "SELECT count(*) FILTER (WHERE ($3 OR $pending) AND sha256 = '$sum' AND hash_error IS NULL
		AND cmdline IS NOT NULL) = count(*) AND count(*) > 0 FROM connections WHERE exe = '$exe'")
	if [ "$bad" = 1 ]; then detected=$((detected + 1)); else
		fail "$1" "not seen, or not as it is: $(sql "SELECT * FROM connections WHERE exe = '$exe' LIMIT 3")"
	fi
	[ "$got" != "$want" ] || right=$((right + 1))
	exact "$1 $2" "$got" "$want"
}

# ---- processor time

# "STAGE NANOSECONDS" of each of our processes.
spent() {
	for pid in $(stage_pids); do
		echo "$(basename "$(readlink "/proc/$pid/exe")") $pid $(cat /proc/"$pid"/task/*/schedstat |
			awk '{ s += $1 } END { printf "%.0f", s }')"
	done
}

# What a program ran since the first snapshot, as percent of a core, the longest first.
bpf_spent() {
	kernel_objects | awk '$1 == "prog" { print $2 }' | while read -r id; do
		bpftool -j prog show id "$id" | sed -n 's/.*"name":"\([^"]*\)".*"run_time_ns":\([0-9]*\),"run_cnt":\([0-9]*\).*/\1 \2 \3/p'
	done
}

cpu_figures() { # SECONDS
	while read -r program pid ns; do
		was=$(awk -v p="$pid" '$2 == p { print $3 }' "$T/spent.before")
		figure "CPU $program" "$(awk -v a="$ns" -v b="$was" -v s="$1" 'BEGIN { printf "%.3f", (a - b) / s / 1e7 }')" - %
	done <"$T/spent.after"
	figure 'CPU, all processes' "$(cat "$T/spent.after" "$T/spent.before" | awk -v s="$1" -v n="$(wc -l <"$T/spent.after")" \
		'{ t += NR <= n ? $3 : -$3 } END { printf "%.3f", t / s / 1e7 }')" 0.3 %
	[ -n "${BPF_STATS:-}" ] || return 0
	bpf_spent | sort -k2 -rn | while read -r program ns runs; do
		[ "$runs" = 0 ] || figure "BPF $program ($runs runs, $((ns / runs)) ns each)" \
			"$(awk -v n="$ns" -v s="$1" 'BEGIN { printf "%.3f", n / s / 1e7 }')" - %
	done
}

rig_start
trap scenarios_end EXIT
container_start || { fail scenarios 'no namespace for the container'; exit 1; }
printf '{}\n' >"$T/config.json"
if [ -n "${BPF_STATS:-}" ]; then
	STATS_BEFORE=$(cat /proc/sys/kernel/bpf_stats_enabled)
	echo 1 >/proc/sys/kernel/bpf_stats_enabled
fi
peer_start
daemon_start
sleep 2 # what was read for the start is given back
detected=0 right=0 skipped=0
: >"$T/expect"

spent >"$T/spent.before"
start=$(now_ms)
all_scenarios
flush
spent >"$T/spent.after"
took=$(($(now_ms) - start))

peer_stop
sleep 1 # a hash may come behind its row
flush
while IFS='	' read -r name what facts; do judge "$name" "$what" "$facts"; done <"$T/expect"
exact "the peer's side" "$(row_sum "$T/bin/peer")" "$(moved peer)"
exact 'flows without a program' "$(sql "SELECT count(*) FROM connections WHERE exe IS NULL
	AND netns IN ($(stat -L -c %i /run/netns/$A), $(stat -L -c %i /run/netns/$B), $C_INODE)")" 0
# what io_uring sends is counted, and not looked at for a name: that is a loss of its own kind
exact 'losses' "$(sql "SELECT coalesce(sum(records), 0) FROM losses WHERE kind NOT IN ('not watching', 'mount', 'name')")" 0
echo "$detected/$((24 - skipped)) detection, $right/$((24 - skipped)) bytes$([ $skipped = 0 ] || echo ", $skipped not here"), in $((took / 1000)) s"
cpu_figures "$(awk -v ms=$took 'BEGIN { print ms / 1000 }')"
[ $FAILED = 0 ] && [ $right = $((24 - skipped)) ] && [ $detected = $right ]
