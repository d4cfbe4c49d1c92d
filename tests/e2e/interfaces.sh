#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# interfaces.sh - how much of what passed the interfaces was counted for programs: the figure in status, doctor and
# the view `interfaces`. The daemon lives in A here, whose only interface to the outside is the veth.
. "$(dirname "$0")/lib.sh"

daemon_run() {
	bg_a "$FEMTO" run --config "$T/config.json" --state-dir "$T/state" >>"$T/daemon.log" 2>&1 </dev/null &
	DAEMON=$!
}

# What the interface itself has counted, both directions.
counted() {
	in_a awk '$1 == "va:" { print $2 + $10, $3 + $11 }' /proc/net/dev
}

sums() { # COLUMNS
	sql "SELECT $1 FROM (SELECT sum(interface_send) AS s, sum(interface_recv) AS r, sum(packets) AS p,
		sum(headers) AS h, sum(send) AS up, sum(recv) AS down, sum(rest) AS rest, sum(seconds) AS seconds FROM interfaces)"
}

rig_start
peer_start
daemon_start ', "Log ignore": [7003]'

counted >"$T/before"
act up tcp up $B4 $SINK 8m
act down tcp down $B6 $SOURCE 8m
act datagrams udp up $B4 $SINK 2000 1000
act ignored tcp half $B4 $ECHO 1m
# none of these leaves the machine
copy server accept
bg_a "$T/bin/server" here :: 7100 2 1m >"$T/said/server" 2>&1 &
JOBS="$JOBS $!"
said "$T/said/server" ready
act loopback tcp half 127.0.0.1 7100 2m
act own_address tcp half $A4 7100 2m
flush
counted >"$T/after"

want=$(cat "$T"/said/up "$T"/said/down "$T"/said/datagrams "$T"/said/ignored | awk '{ s += $2; r += $4 } END { printf "%d %d", s, r }')
same programs "$(sums 'up, down')" "$want"
# the counters moved on between our look and the daemon's
same interface "$(paste -d' ' "$T/before" "$T/after" "$T/said/up" | awk -v all="$(sums 's + r')" -v p="$(sums p)" '{
	b = $3 - $1; q = $4 - $2; print (all >= b && all < b + 20000 && p >= q && p < q + 200) ? "ok" : all " of " b ", " p " of " q }')" ok
same rest_within_the_error "$(sums 's + r - up - down BETWEEN 42 * p AND 86 * p')" 1
same headers "$(sums 'h BETWEEN 60 * p AND 80 * p')" 1

# What no program moves is what remains: the kernel of A answers pings.
sums rest >"$T/rest"
copy ping icmp
in_b "$T/bin/ping" raw $A4 2000 1000 >"$T/said/ping"
sleep $((3 * SLOW)) # windows went by: all flows have been written
flush
same programs_are_as_before "$(sums 'up, down')" "$want"
same rest "$(sums "rest - $(cat "$T/rest") BETWEEN 3800000 AND 4050000")" 1

query --now --csv 'SELECT 1' >/dev/null
"$FEMTO" status --state-dir "$T/state" >"$T/status"
same status "$(sed -n 's/^traffic of programs over them: \([0-9.]* [kMG]B\), and headers of about [0-9.]* kB$/\1/p' "$T/status")" '20.9 MB'
same status_share "$(sed -n 's/^traffic without a program: 3.[0-9]* MB, 15.[0-9] % (an estimate, between 1[0-9.]* and 1[0-9.]* %).*/ok/p' "$T/status")" ok
"$FEMTO" doctor --state-dir "$T/state" >"$T/doctor" 2>&1
same doctor "$(grep -c '^traffic  *[a-z ]*: ' "$T/doctor")" 3
check_no_losses no_losses
daemon_stop_clean stop
