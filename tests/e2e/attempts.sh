#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# attempts.sh - a connection that comes to nothing is a row with 0 bytes and its result, on either side.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start

slow=''
later() { # NAME ACTOR ARG...
	act_later "$@"
	slow="$slow $!"
}

# These take the kernel three seconds each.
later timeout attempt wait $DROPPED 80
later timeout_mapped attempt wait ::ffff:$DROPPED 80
later no_neighbour attempt wait $NOBODY 80
later no_neighbour6 attempt wait fd18::99 80

act refused attempt wait $B4 9
act refused6 attempt wait $B6 9
act refused_loopback attempt wait 127.0.0.1 9
act rejected attempt wait $REJECTED 80
act no_route attempt wait $NOWHERE 80
act no_route6 attempt wait 2001:db8::1 80
act prohibited attempt wait $PROHIBITED 80
act aborted attempt abort $DROPPED 80
act dissolved attempt dissolve $DROPPED 80
act refused_with_data attempt data $B4 9
mptcp=''
act refused_mptcp attempt -p mptcp wait $B4 9 && act no_route_mptcp attempt -p mptcp wait $NOWHERE 80 && mptcp=yes
sctp=''
act refused_sctp attempt -p sctp wait $B4 9 && act aborted_sctp attempt -p sctp abort $DROPPED 80 && sctp=yes
act open_unused tcp none $B4 $SINK
act open_unused6 tcp none $B6 $SINK
act udp_closed udp closed $B4 9 10 100
copy killed attempt
(in_a "$T/bin/killed" kill $DROPPED 80) >/dev/null 2>&1
copy refused_often attempt
copy often spawn
in_a "$T/bin/often" 50 5 "$T/bin/refused_often" wait $B4 9 >"$T/said/often"

serve a accept_unused accept here $A4 7200 2 0
copy dial_unused tcp
for n in 1 2; do in_b "$T/bin/dial_unused" none $A4 7200; done >/dev/null

cgroup=$(awk '$9 == "cgroup2" || $8 == "cgroup2" || $10 == "cgroup2" { print $5; exit }' /proc/self/mountinfo)
if [ -n "$cgroup" ]; then
	act denied deny "$cgroup/femtosnitch-test-$$" $B4 $SINK
	rmdir "$cgroup/femtosnitch-test-$$" 2>/dev/null
else
	skip denied 'no cgroup v2'
fi

for pid in $slow; do wait "$pid"; done
flush

result() { # NAME CONNECT-SAID RESULT RADDR RPORT
	[ -e "$T/said/$1" ] || return
	case $2 in
	'') ;;
	*) grep -q "result $2\$" "$T/said/$1" || {
		fail "$1" "the rig is wrong: $(cat "$T/said/$1")"
		return
	} ;;
	esac
	same "$1" "$(sql "SELECT result, direction, send, recv, sum(events), raddr, rport, family FROM connections
		WHERE exe = '$T/bin/$1' AND result IS NOT NULL GROUP BY 1, 2, 3, 4, 6, 7, 8")" "$3 out 0 0 ${6:-1} $4 $5 $(case $4 in *:*) echo 10 ;; *) echo 2 ;; esac)"
}

result timeout ETIMEDOUT timeout $DROPPED 80
result timeout_mapped ETIMEDOUT timeout $DROPPED 80
for name in no_neighbour no_neighbour6; do # which of its timers runs out first is the kernel's affair
	to=$NOBODY
	[ $name = no_neighbour ] || to=fd18::99
	if grep -q ETIMEDOUT "$T/said/$name"; then
		result $name ETIMEDOUT timeout $to 80
	else
		result $name EHOSTUNREACH unreachable $to 80
	fi
done
result refused ECONNREFUSED refused $B4 9
result refused6 ECONNREFUSED refused $B6 9
result refused_loopback ECONNREFUSED refused 127.0.0.1 9
result rejected EHOSTUNREACH unreachable $REJECTED 80
result no_route ENETUNREACH local $NOWHERE 80
result no_route6 ENETUNREACH local 2001:db8::1 80
result prohibited EACCES local $PROHIBITED 80
result aborted EINPROGRESS aborted $DROPPED 80
same dissolved "$(sql "SELECT result, direction, send, recv, raddr, rport FROM connections
	WHERE exe = '$T/bin/dissolved' AND result IS NOT NULL ORDER BY rport" | tr '\n' ,)" \
	"aborted out 0 0 $DROPPED 80,aborted out 0 0 $DROPPED 81,"
result refused_with_data ECONNREFUSED refused $B4 9
[ -n "$mptcp" ] && result refused_mptcp ECONNREFUSED refused $B4 9 && result no_route_mptcp ENETUNREACH local $NOWHERE 80
if [ -n "$sctp" ] && ! absent refused_sctp fexit/sctp_inet_connect; then
	result refused_sctp ECONNREFUSED refused $B4 9
	# SCTP tells nobody what became of a connect() that nobody waited for
	same aborted_sctp "$(sql "SELECT result IS NULL, direction, send, recv, raddr, rport FROM connections
		WHERE exe = '$T/bin/aborted_sctp'")" "1 out 0 0 $DROPPED 80"
fi
result open_unused '' open $B4 $SINK
result open_unused6 '' open $B6 $SINK
[ -n "$cgroup" ] && result denied EPERM local $B4 $SINK
touch "$T/said/killed"
result killed '' aborted $DROPPED 80
touch "$T/said/refused_often"
result refused_often '' refused $B4 9 50
# A window that closed in the meantime has a row of its own, without result.
same pending "$(sql "SELECT count(*) FROM connections WHERE exe LIKE '$T/bin/%' AND protocol = 6 AND result IS NULL
	AND (send <> 0 OR recv <> 0 OR raddr IS NULL OR rport = 0)")" 0
check_sum udp_closed
check_rows udp_closed_peer "$T/bin/udp_closed" "raddr = '$B4' AND rport = 9 AND direction = 'out'"
same accept_unused "$(sql "SELECT result, direction, send, recv, sum(events), lport FROM connections
	WHERE exe = '$T/bin/accept_unused' GROUP BY 1, 2, 3, 4, 6")" 'open in 0 0 2 7200'
same dial_unused "$(sql "SELECT result, direction, sum(events) FROM connections
	WHERE exe = '$T/bin/dial_unused' GROUP BY 1, 2")" 'open out 2'
check_no_losses no_losses
daemon_stop_clean stop
