#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# memory.sh - what the daemon holds when nothing happens: PSS of its processes, memory of its BPF maps, and the
# processor time it takes to do nothing.
. "$(dirname "$0")/lib.sh"
rig_start
printf '{}\n' >"$T/config.json"
daemon_start
sleep 5
before=$(daemon_cpu_us)
sleep 15
after=$(daemon_cpu_us)
total=0
for pid in $(stage_pids); do
	kb=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup")
	total=$((total + kb))
	figure "PSS $(basename "$(readlink "/proc/$pid/exe")")" "$kb" - KiB
done
figure 'PSS, all processes, idle' $total 7168 KiB
if command -v bpftool >/dev/null; then
	bytes=$(kernel_objects | awk '$1 == "map" { print $2 }' | while read -r id; do
		bpftool -j map show id "$id" | sed -n 's/.*"bytes_memlock":\([0-9]*\).*/\1/p'
	done | awk '{ s += $1 } END { print int(s / 1024) }')
	figure 'BPF maps, idle' "$bytes" 1024 KiB
fi
figure 'CPU, idle' "$(awk -v a="$before" -v b="$after" 'BEGIN { printf "%.3f", (b - a) / 15e6 * 100 }')" 0.3 %
daemon_stop
