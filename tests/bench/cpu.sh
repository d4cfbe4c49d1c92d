#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# cpu.sh - processor time per operation with the daemon, divided by that without it: medians of interleaved runs
# (PAIRS in the environment, 7 by default). First the program's own time, which holds the hooks, then with the
# daemon's added to it, then what of it is for names: with "Read names from traffic", divided by that without; and
# what a domain in "Log ignore" adds, which has every packet looked at.
. "$(dirname "$0")/lib.sh"
rig_start
printf '{}\n' >"$T/config.json"
copy cost cost
copy tiny tiny
PAIRS=${PAIRS:-7}

one() { # KIND COUNT on|off|unnamed|ignoring
	before=0 after=0
	[ "$3" != off ] && before=$(daemon_cpu_us)
	ns=$(in_a "$T/bin/cost" "$1" "$2" ${4:+"$4"} | sed -n 's/^ns //p')
	[ "$3" != off ] && sleep 0.5 && after=$(daemon_cpu_us)
	echo "$ns $(((after - before) * 1000 / $2))" >>"$T/$1.$3"
}

all() { # on|off|unnamed|ignoring
	one udp 1500000 "$1"
	one udpto 1200000 "$1"
	one tcp 40000 "$1"
	one exec 3000 "$1" "$T/bin/tiny"
}

pair=0
while [ $pair -lt "$PAIRS" ]; do
	all off
	daemon_start
	all on
	daemon_stop
	daemon_start ', "Read names from traffic": false'
	all unnamed
	daemon_stop
	daemon_start ', "Log ignore": [ ".example" ]'
	all ignoring
	daemon_stop
	pair=$((pair + 1))
done

median() { # FILE EXPRESSION
	awk "{ print $2 }" "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

row() { # KIND TEXT BUDGET
	off=$(median "$T/$1.off" '$1')
	hooks=$(median "$T/$1.on" '$1')
	both=$(median "$T/$1.on" '$1 + $2')
	unnamed=$(median "$T/$1.unnamed" '$1')
	ignoring=$(median "$T/$1.ignoring" '$1')
	figure "$2 ($off ns alone)" "$(awk -v a="$hooks" -v b="$off" 'BEGIN { printf "%.3f", a / b }')" "$3"
	figure '    with the time of the daemon itself' "$(awk -v a="$both" -v b="$off" 'BEGIN { printf "%.3f", a / b }')" -
	figure '    names read / not' "$(awk -v a="$hooks" -v b="$unnamed" 'BEGIN { printf "%.3f", a / b }')" -
	figure '    a domain to ignore / none' "$(awk -v a="$ignoring" -v b="$hooks" 'BEGIN { printf "%.3f", a / b }')" -
}

row udp 'CPU on/off: UDP send, 64 bytes, connected' 1.06
row udpto 'CPU on/off: UDP send, 64 bytes, unconnected' 1.17
row tcp 'CPU on/off: TCP connection, 100 bytes' 1.08
row exec 'CPU on/off: start a program' 1.03
