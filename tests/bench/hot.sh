#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# hot.sh - ten million sends by four threads on one socket, while the counters are read every window: are all of
# them there?
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start
for mode in connected unconnected; do
	copy hot_$mode hot
	start=$(now_ms)
	in_a "$T/bin/hot_$mode" $mode $B4 $SINK 4 2500000 64 >"$T/said/hot_$mode" &
	while ! grep -q sent "$T/said/hot_$mode"; do
		query --now --csv 'SELECT 1' >/dev/null 2>&1 # one more reader of the counters
		sleep 0.05
	done
	figure "10,000,000 sends, $mode: took" $(($(now_ms) - start)) - ms
	flush
	exact "10,000,000 sends, $mode: bytes" "$(row_sum "$T/bin/hot_$mode")" "$(moved hot_$mode)"
done
