#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# burst.sh - 20,000 connections as fast as they can be made: is every one recorded, and how long after the last
# byte is the last row there? The window is one second here.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start

copy burst burst
cpu=$(daemon_cpu_us)
in_a "$T/bin/burst" $B4 $SINK 20000 4 100 >"$T/said/burst"
end=$(now_ms)
figure '20,000 connections: made in' "$(sed -n 's/^ms //p' "$T/said/burst")" - ms
while :; do
	rows=$(sql "SELECT coalesce(sum(send), 0) FROM connections WHERE exe = '$T/bin/burst'")
	late=$(($(now_ms) - end))
	[ "$rows" = 2000000 ] || [ $late -gt 30000 ] && break
	sleep 0.1
done
figure '20,000 connections: last row after' $late 3000 ms
flush
exact '20,000 connections: bytes' "$(row_sum "$T/bin/burst")" "$(moved burst)"
exact '20,000 connections: recorded' "$(sql "SELECT min(sum(events), 20000) FROM connections WHERE exe = '$T/bin/burst'
	AND send > 0")" 20000
exact '20,000 connections: losses' "$(sql "SELECT coalesce(sum(records), 0) FROM losses
	WHERE kind NOT IN ('not watching', 'mount')")" 0
figure '20,000 connections: CPU of the daemon, both ends' "$((($(daemon_cpu_us) - cpu) / 1000))" - ms
