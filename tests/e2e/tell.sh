#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tell.sh - what people are told: a new program within two seconds whatever the write window is, attempts included;
# each once; and what they say about programs.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_config ', "DB write limit (seconds)": 60'
sed -i 's/"DB write limit (seconds)": 1, //; s/"Desktop notifications": false/"Desktop notifications": true/' "$T/config.json"

# Wait for a notice about a program, two seconds at most; what it says.
told() { # NAME
	i=0
	until [ -n "$(sql "SELECT 1 FROM notices WHERE exe = '$T/bin/$1'")" ] || [ $i -ge $((20 * SLOW)) ]; do
		i=$((i + 1))
		sleep 0.1
	done
	sql "SELECT kind, outcome FROM notices WHERE exe = '$T/bin/$1' ORDER BY id"
}

# It runs, and talks, before the first start.
act_later before tcp drip $B4 $SINK 2000000 1000
daemon_start

same ran_before "$(told before)" 'new known'
act fresh tcp up $B4 $SINK 1000
same new_program "$(told fresh)" 'new told'
copy attempt tcp
in_a "$T/bin/attempt" up $B4 7999 10 >/dev/null 2>&1
same attempt "$(told attempt)" 'new told'
act fresh tcp up $B4 $SINK 1000
same once "$(sql "SELECT count(*) FROM notices WHERE exe = '$T/bin/fresh'")" 1
same exe_log "$(grep -c " $T/bin/fresh (new name, exe)" "$T/state/exe.log")" 1

"$FEMTO" mute "$T/bin/quiet" 1h --state-dir "$T/state" >/dev/null
act quiet tcp up $B4 $SINK 1000
same muted "$(told quiet)" 'new muted'
same list_muted "$("$FEMTO" list muted --csv --state-dir "$T/state" | sed -n 2p | cut -d, -f1,2)" "$T/bin/quiet,everybody"
same why "$("$FEMTO" why quiet --csv --state-dir "$T/state" | grep -c 'Not told: it was muted for everybody. Muted now')" 1
same ack "$("$FEMTO" ack fresh --state-dir "$T/state")" 'acknowledged: 1'
same list_new "$("$FEMTO" list new --csv --state-dir "$T/state" | grep -c "/fresh,")" 0
same unmute "$("$FEMTO" unmute all --state-dir "$T/state")" 'no longer muted: 1'
"$FEMTO" ack nosuchthing --state-dir "$T/state" 2>/dev/null
same ack_of_nothing $? 1

i=0
until [ -n "$(sql "SELECT 1 FROM notices WHERE exe IS NULL AND kind = 'new'")" ] || [ $i -ge $((80 * SLOW)) ]; do
	i=$((i + 1))
	sleep 0.1
done
same introduction "$(sql "SELECT count(*) FROM notices WHERE text LIKE '% programs were running when %'")" 1
peer_stop
daemon_stop_clean stop
same record_json "$(sqlite3 :memory: "SELECT json_extract(readfile('$T/state/record.json'), '\$.Names.fresh[0]')")" "$T/bin/fresh"
"$FEMTO" ack all --state-dir "$T/state" 2>"$T/err"
same ack_when_stopped "$(grep -c 'is not running, and only it writes the log' "$T/err")" 1
