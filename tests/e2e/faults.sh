#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# faults.sh - the collector does not read for a while, at full load, and every map is full: what could not be kept is
# a loss record with the exact number of records and bytes, and everything else is in its row. FULL=1 stops it for
# most of a minute instead of ten seconds (after a whole minute the supervisor would end the chain).
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
if [ -n "${FULL:-}" ]; then seconds=50; else seconds=10; fi

# Losses are about the whole machine. Where the numbers differ and others were at work, they prove nothing.
same_if_alone() { # NAME GOT WANT
	if [ "$2" != "$3" ] && [ "$others" -gt 0 ]; then
		skip "$1" "others were at work here ($others): got '$2', want '$3'"
	else
		same "$1" "$2" "$3"
	fi
}

lost() { # KIND -> "RECORDS BYTES"
	sql "SELECT coalesce(sum(records), 0), coalesce(sum(bytes), 0) FROM losses WHERE kind = '$1'"
}

flood_said() { # WORD -> the number behind it
	sed -n "s/^\(.* \)*$1 \([0-9]*\).*/\2/p" "$T/said/flood"
}

# ---- the ring: processes that come and go while nobody reads

# a small one, which a slow machine can fill too
daemon_start ', "Every exe (not just conns)": true, "Perf ring buffer (pages)": 8'
copy flood flood
"$T/bin/flood" "$(stage_pid collector)" $seconds >"$T/said/flood" 2>"$T/said/flood.err"
case $? in
0) ;;
77) skip_all "$(cat "$T/said/flood.err")" ;;
*)
	fail flood "$(cat "$T/said/flood.err")"
	exit 1
	;;
esac
flush
others=$(flood_said others)
made=$(flood_said made)
same_if_alone ring_each_record_is_counted "$(flood_said lost)" $(($(flood_said full) * 3))
same ring_load "$(($(flood_said full) > 30))" 1
counter() { # what the programs say they lost, at least until now
	"$T/bin/flood" "$(stage_pid collector)" 0 | sed 's/counter //'
}
before=$(counter)
flush
got=$(lost 'ring full')
if [ "${got% *}" -ge "$before" ] && [ "${got% *}" -le "$(counter)" ]; then ok ring_loss_records_say_the_same; else
	fail ring_loss_records_say_the_same "rows say '$got', the programs between $before and $(counter)"
fi

# What was lost and what arrived is what was made, but for a few: small records fit the last gap in the ring, and this
# script and the flood itself are processes too.
arrived=$(sql "SELECT coalesce(sum(events), 0) FROM connections WHERE exe = '$T/bin/flood' AND cmdline LIKE '% -'")
same_if_alone ring_arrived "$((arrived > 30))" 1
rest=$((made * 3 - ${got% *} - arrived * 3))
if [ $rest -ge -8 ] && [ $rest -le 8 ]; then ok ring_nothing_else_is_missing; else
	same_if_alone ring_nothing_else_is_missing "$rest (made $made, lost ${got% *}, execs $arrived)" '-8 to 8'
fi
same_if_alone ring_no_other_losses "$(sql "SELECT kind, records, bytes, detail FROM losses
	WHERE kind NOT IN ('not watching', 'ring full', 'fanotify read') LIMIT -1 OFFSET $LOSSES")" ''
daemon_stop_clean ring_stop
rm -rf "$T/state"

# ---- the overflow hash: more peers and more connections than it holds

daemon_start
collector=$(stage_pid collector)
kill -STOP "$collector"
act bulk tcp down $B4 $SOURCE 16m
# None of the ports of the peer: nobody else has rows of these datagrams.
act peers udp fan $B4 8000 20000 100
act connections tcp many $B4 $SINK 100 $((10000 / (SLOW * SLOW)))
[ "$SLOW" -gt 1 ] || sleep $seconds # it was long enough
kill -CONT "$collector"
peer_stop
flush
check_sum bulk
all="'$T/bin/peers', '$T/bin/connections', '$T/bin/bulk', '$T/bin/peer'"
rows=$(sql "SELECT coalesce(sum(send + recv), 0) FROM connections WHERE exe IN ($all)")
said=$(for name in peers connections bulk peer; do moved $name; done | awk '{ n += $1 + $2 } END { print n }')
got=$(lost 'overflow full')
lost_bytes=${got#* } lost_records=${got% *}
others=$(sql "SELECT count(*) FROM connections WHERE exe NOT IN ($all)")
same_if_alone overflow_bytes "$((rows + lost_bytes))" "$said"
# Every datagram and either end of every connection was 100 bytes, and so was all that was lost.
same_if_alone overflow_records "$lost_bytes" "$((lost_records * 100))"
same overflow_was_full "$((lost_records > 0))" 1
same_if_alone overflow_has_rows "$(sql "SELECT count(*) >= 8192 FROM connections WHERE exe IN ($all)")" 1
same_if_alone overflow_no_other_losses "$(sql "SELECT kind, records, bytes, detail FROM losses
	WHERE kind NOT IN ('not watching', 'ring full', 'overflow full', 'image') LIMIT -1 OFFSET $LOSSES")" ''
daemon_stop_clean overflow_stop
exit $FAILED
