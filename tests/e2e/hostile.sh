#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# hostile.sh - programs that would rather not be counted, or counted as somebody else, and names that would like
# to be something else.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start

# ---- sockets without storage, shared sockets, sockets with several lives

act exhaust exhaust connected $B6 $SINK 100000 va
act exhaust_mapped exhaust connected ::ffff:$B4 $SINK 100000 va
act exhaust_to exhaust unconnected $B6 $SINK 100000 va
act exhaust_echo exhaust echo $B6 $ECHO 100000 va
copy heir share
act inherit share inherit "$T/bin/heir" $B4 $SINK 10000 && sed -n 1p "$T/said/inherit" >"$T/said/heir" &&
	sed -i 1d "$T/said/inherit"
copy race_heir share
act race share race "$T/bin/race_heir" $B4 $SINK 5000000 >/dev/null
serve a taker share take "$T/handover" 10000
act giver share give "$T/handover" $B4 $SINK 10000
served taker
act again_tcp reuse tcp $B4 $SOURCE 7009 20000
act again_udp reuse udp $B4 $SINK 7005 10000
act moved_udp reuse move $B4 $SINK 7005 10000
act now_listening reuse listen $B4 $SINK 7300 5000
serve a forking accept fork $A4 7200 4 5000
copy dials tcp
for n in 1 2 3 4; do in_b "$T/bin/dials" half $A4 7200 20000; done >/dev/null
served forking

# ---- floods

act hot_connected hot connected $B4 $SINK 4 100000 64
act hot_unconnected hot unconnected $B4 $SINK 4 50000 64
act storm burst $B4 $SINK 5000 4 100
act fan_small udp fan $B4 20000 1000 100
# None of the ports of the peer: what it receives could be lost just as well.
act fan_large udp fan $B4 8000 57000 100

# ---- names

ugly() { # LABEL NAME...
	cp "$ACTORS/tiny" "$T/bin/$2" && in_a "$T/bin/$2" $B4 $SINK 100 "$2" || fail "$1" 'the actor failed'
}
newline='line
femtosnitch: ready'
escape=$(printf 'esc\033[2J\033]0;x\007')
invalid=$(printf 'bad\377\376utf')
inject="x'); DROP TABLE flow; --"
unicode=$(printf 'gr\303\274n\342\200\256gpj')
comma='a,b"c" d\e%s%n'
ugly newline "$newline"
ugly escape "$escape"
ugly invalid "$invalid"
ugly inject "$inject"
ugly unicode "$unicode"
ugly comma "$comma"
deep=$T/bin
while [ ${#deep} -lt 3500 ]; do deep=$deep/$(printf %0200d 7); done
mkdir -p "$deep" && cp "$ACTORS/tiny" "$deep/deep" && in_a "$deep/deep" $B4 $SINK 100

flush

for name in exhaust exhaust_mapped exhaust_to exhaust_echo inherit heir giver taker again_tcp again_udp moved_udp now_listening \
	forking hot_connected hot_unconnected storm fan_small; do
	check_sum $name
done
same race "$(row_sum "$T/bin/race")" '5000000 0'
same race_heir "$(row_sum "$T/bin/race_heir")" '5000000 0'
ports() { # NAME WANT
	same "$1_by_port" "$(sql "SELECT rport, sum(send), sum(recv) FROM connections WHERE exe = '$T/bin/$1' GROUP BY 1" |
		tr '\n' ,)" "$2"
}
ports again_udp '7001 10000 0,7005 20000 0,'
ports moved_udp '7001 10000 0,7005 20000 0,'
ports again_tcp '7002 8 17000,7009 8 20000,'
same exhaust_uid "$(sql "SELECT DISTINCT uid, raddr, rport FROM connections WHERE exe = '$T/bin/exhaust'")" \
	"65534 $B6 $SINK"
# A connection that a window's end cuts in two is in both.
same storm_events "$(sql "SELECT sum(events) BETWEEN 5000 AND 5020 FROM connections WHERE exe = '$T/bin/storm'")" 1
same fan_small_rows "$(sql "SELECT count(DISTINCT rport) FROM connections WHERE exe = '$T/bin/fan_small'")" 1000

# More peers than there is room for: what has no row is in a loss record, to the byte.
lost=$(sql "SELECT coalesce(sum(bytes), 0) FROM losses WHERE kind IN ('overflow full', 'peer')")
got=$(row_sum "$T/bin/fan_large")
same fan_large_accounted "$((${got% *} + lost)) 0" "$(moved fan_large)"
same fan_large_rows_and_losses "$(sql "SELECT (SELECT count(DISTINCT rport) FROM connections WHERE exe = '$T/bin/fan_large')
	>= min(57000 - $lost / 100, 8000)")" 1

exe_is() { # LABEL EXE (as it must stand in the database)
	quoted=$(printf '%s' "$2" | sed "s/'/''/g")
	same "name_$1" "$(sql "SELECT sum(send) FROM connections WHERE exe = '$T/bin/$quoted'
		AND cmdline LIKE '$T/bin/%' OR exe = '$T/bin/$quoted'")" 100
}
exe_is newline "$newline"
exe_is escape "$escape"
exe_is invalid 'bad\xff\xfeutf'
exe_is inject "$inject"
exe_is unicode "$unicode"
exe_is comma "$comma"
same name_deep "$(sql "SELECT sum(send), sha256 FROM connections WHERE exe = '$deep/deep'")" \
	"100 $(sha256sum "$ACTORS/tiny" | cut -d' ' -f1)"
same log_not_forged "$(grep -c '^femtosnitch: ready' "$T/daemon.log")" 1
query --csv "SELECT exe, cmdline, name FROM connections" >"$T/out.csv"
query "SELECT exe, cmdline, name FROM connections" >"$T/out.table"
same table_has_no_escape "$(LC_ALL=C grep -c "$(printf '[\033\007\177]')" "$T/out.table")" 0
same other_losses "$(sql "SELECT kind, records, bytes, detail FROM losses
	WHERE kind NOT IN ('not watching', 'overflow full', 'peer') LIMIT -1 OFFSET $LOSSES")" ''
daemon_stop_clean stop
