#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# hostile.sh - programs that would rather not be counted, or counted as somebody else, and names that would like
# to be something else.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start

also='' # what not every machine can do
# ---- sockets without storage, shared sockets, sockets with several lives

act exhaust exhaust connected $B6 $SINK 100000 va
act exhaust_mapped exhaust connected ::ffff:$B4 $SINK 100000 va
act exhaust_to exhaust unconnected $B6 $SINK 100000 va
act exhaust_echo exhaust echo $B6 $ECHO 100000 va
act exhaust_tcp exhaust tcp $B6 $ECHO 100000 va && also=exhaust_tcp
copy heir share
act inherit share inherit "$T/bin/heir" $B4 $SINK 10000 && sed -n 1p "$T/said/inherit" >"$T/said/heir" &&
	sed -i 1d "$T/said/inherit"
copy race_heir share
act race share race "$T/bin/race_heir" $B4 $SINK 5000000 >/dev/null
serve a taker share take "$T/handover" 10000
act giver share give "$T/handover" $B4 $ECHO 10000
served taker
act again_tcp reuse tcp $B4 $SOURCE 7009 20000
act again_udp reuse udp $B4 $SINK 7005 10000
act moved_udp reuse move $B4 $SINK 7005 10000
act now_listening reuse listen $B4 $SINK 7300 5000
act many_lives reuse cycle $B4 $ECHO 7301 5000
serve a forking accept fork $A4 7200 4 5000
copy dials tcp
for n in 1 2 3 4; do in_b "$T/bin/dials" half $A4 7200 20000; done >/dev/null
served forking

# ---- threads, and processes that share more than others do

act two_senders threads both $B4 $SINK 2m
act closed_in_recv threads close $B4 $SOURCE 1m
act leader_gone threads leader $B4 $SINK 300000
act vforked threads vfork $B4 $SINK 300000
act shared_files threads files $B4 $SINK 300000
act new_uid threads uid $B4 $SINK 100000
serve b flight_landed accept here $B4 7302 1 0
act in_flight threads flight $B4 7302 16m
served flight_landed
serve b exec_landed accept here $B4 7303 1 0
copy exec_new share
act exec_old threads exec $B4 7303 100000 "$T/bin/exec_new" && mv "$T/said/exec_old" "$T/said/exec_new"
served exec_landed
copy pid_one tiny
copy pid_two tiny
act pids pids $B4 $SINK 100 200 "$T/bin/pid_one" "$T/bin/pid_two" || rm "$T/bin/pid_one"

# ---- floods, beside 20,000 sockets that have little to say

# From Linux 6.19 on the kernel skips runs of programs, now and then all that watch one call (femtosnitch-coverage(7)).
# What is missing must be whole calls then, not more than are told, and few.
flood() { # LABEL GOT WANT BYTES-OF-A-CALL
	missed=$(((${3% *} - ${2% *}) / $4))
	told=0
	for _ in 1 2 3; do # what looks skipped is told when it still does a look later
		[ $missed -le $told ] || flush
		told=$(sql "SELECT coalesce(sum(records), 0) FROM losses WHERE kind = 'recursion'")
	done
	if [ $missed -gt 0 ] && [ $missed -le "$told" ] && [ "$told" -le $skipped_max ] &&
		[ "$((${2% *} + missed * $4)) ${2#* }" = "$3" ]; then
		skip "$1" 'this kernel skipped a few calls, as many as are told'
	else
		same "$1" "$2" "$3"
	fi
}
case $(uname -r) in
6.19* | [7-9].*) skipped_max=30 ;; # of 300,000
*) skipped_max=0 ;;
esac

mkfifo "$T/idle_steps"
copy idle idle
bg_a "$T/bin/idle" $B4 $SINK 20000 1000 <"$T/idle_steps" >"$T/said/idle" 2>&1 &
JOBS="$JOBS $!"
exec 8>"$T/idle_steps"
idle_sent() { # BYTES, so far
	served idle
	said "$T/said/idle" "sent $1 " || fail idle "$(cat "$T/said/idle")"
	flush
	flood "idle_$1" "$(row_sum "$T/bin/idle")" "$1 0" 1
}
idle_sent 20000
flood idle_rows "$(sql "SELECT count(DISTINCT lport) || ' 0' FROM connections WHERE exe = '$T/bin/idle'")" '20000 0' 1
echo >&8
act hot_connected hot connected $B4 $SINK 4 $((100000 / SLOW)) 64
act hot_unconnected hot unconnected $B4 $SINK 4 $((50000 / SLOW)) 64
act storm burst $B4 $SINK $((5000 / SLOW)) 4 100
# what it leaves in the ring, 96 bytes a process, is more than that holds, but not so much that a machine which gives the
# collector no processor for a tenth of a second loses some
act forks forks $B4 $SINK $((3000 / SLOW)) 20 100
act fan_small udp fan $B4 20000 1000 100
# None of the ports of the peer: what it receives could be lost just as well.
act fan_large udp fan $B4 8000 $((57000 / SLOW)) 100
act crowd udp crowd $DROPPED 10000 $((1000000 / SLOW / SLOW)) 10
idle_sent 60000
echo >&8
idle_sent 100000
all_missed=$missed
exec 8>&-

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
memory=$(for pid in $(stage_pids); do sed -n 's/^VmHWM: *\([0-9]*\) kB$/\1/p' "/proc/$pid/status"; done |
	awk '{ kb += $1 } END { print kb }')

for name in exhaust exhaust_mapped exhaust_to exhaust_echo inherit heir giver taker again_tcp again_udp moved_udp now_listening \
	many_lives forking two_senders closed_in_recv leader_gone vforked shared_files new_uid in_flight exec_new \
	storm forks fan_small $also; do
	check_sum $name
done
for name in hot_connected hot_unconnected; do
	flood $name "$(row_sum "$T/bin/$name")" "$(moved $name)" 64
	all_missed=$((all_missed + missed))
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
same in_flight_all_arrived "$(moved in_flight)" "$(moved flight_landed | cut -d' ' -f2) 0"
old=$(row_sum "$T/bin/exec_old")
same exec_old_and_new "$((${old% *} + 100000)) ${old#* }" "$(moved exec_landed | cut -d' ' -f2) 0"
same exec_old_sent "$((${old% *} > 0))" 1
same new_uid_by_uid "$(sql "SELECT uid, sum(send) FROM connections WHERE exe = '$T/bin/new_uid' GROUP BY uid" | tr '\n' ,)" \
	'0 200000,65534 100000,'
for name in pid_one pid_two; do
	[ -e "$T/bin/pid_one" ] || continue
	same $name "$(row_sum "$T/bin/$name")" '10000 0'
	check_rows ${name}_is_itself "$T/bin/$name" "sha256 = '$(sha256sum "$T/bin/$name" | cut -d' ' -f1)'
		AND cmdline LIKE '$T/bin/$name %' AND name = '$name' AND pexe = '$T/bin/pids'"
done
check_rows forks_are_known "$T/bin/forks" "sha256 = '$(sha256sum "$T/bin/forks" | cut -d' ' -f1)' AND name = 'forks'
	AND cmdline LIKE '$T/bin/forks %' AND pname IS NOT NULL"
same no_flow_without_program "$(sql "SELECT count(*) FROM connections WHERE exe IS NULL")" 0
same exhaust_uid "$(sql "SELECT DISTINCT uid, raddr, rport FROM connections WHERE exe = '$T/bin/exhaust'")" \
	"65534 $B6 $SINK"
# A connection that a window's end cuts in two is in both.
same storm_events "$(sql "SELECT sum(events) - 5000 / $SLOW BETWEEN 0 AND 20 FROM connections WHERE exe = '$T/bin/storm'")" 1
same fan_small_rows "$(sql "SELECT count(DISTINCT rport) FROM connections WHERE exe = '$T/bin/fan_small'")" 1000

# More peers than there is room for: what has no row is in a loss record, to the byte.
lost=$(sql "SELECT coalesce(sum(bytes), 0) FROM losses WHERE kind IN ('overflow full', 'peer')")
got=$(sql "SELECT sum(send) FROM connections WHERE exe IN ('$T/bin/fan_large', '$T/bin/crowd')")
want=$(($(moved fan_large | cut -d' ' -f1) + $(moved crowd | cut -d' ' -f1)))
if [ $((got + lost)) -gt $want ] && [ $got -le $want ]; then
	skip crowds_accounted "others on this machine found no room either: $((got + lost - want)) bytes"
else
	same crowds_accounted $((got + lost)) "$want"
fi
same crowds_have_rows "$(sql "SELECT count(DISTINCT rport) >= 8000 FROM connections WHERE exe = '$T/bin/fan_large'"),$(sql "
	SELECT count(DISTINCT raddr || ' ' || rport) >= 8000 FROM connections WHERE exe = '$T/bin/crowd'")" 1,1
same crowds_cost_memory "$((memory < 96 << 10))" 1

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
query "SELECT exe, cmdline, name FROM connections WHERE name <> 'crowd'" >"$T/out.table"
same table_has_no_escape "$(LC_ALL=C grep -c "$(printf '[\033\007\177]')" "$T/out.table")" 0
# The storm of forks may fill the ring where the collector waits for a processor; all flows above have their program.
same other_losses "$(sql "SELECT kind, records, bytes, detail FROM losses
	WHERE kind NOT IN ('not watching', 'overflow full', 'peer', 'ring full', 'recursion') LIMIT -1 OFFSET $LOSSES")" ''
skipped=$(sql "SELECT coalesce(sum(records), 0) FROM losses WHERE kind = 'recursion'")
same few_calls_skipped "$((skipped <= skipped_max))" 1
same what_is_missed_is_told "$((all_missed <= skipped))" 1
daemon_stop_clean stop
