#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# reverse.sh - reverse lookups: only where they are asked for, once for an address, never for our own traffic; they hide
# nothing. The machine is A here: its network namespace and its resolv.conf are the daemon's.
. "$(dirname "$0")/lib.sh"
rig_start
command -v dnsmasq >/dev/null || skip_all 'needs dnsmasq'
PORT=7443

serve b sink name sink $PORT
bg_b dnsmasq -k -C /dev/null --pid-file= --no-resolv --no-hosts --listen-address=$B4 --bind-interfaces --local-ttl=300 \
	--host-record=owner.example,$B4B --host-record=six.example,$B6 --log-queries --log-facility=- >"$T/said/dnsmasq" 2>&1 &
JOBS="$JOBS $!"
printf 'nameserver %s\n' $B4 >"$T/resolv.conf"
said "$T/said/dnsmasq" started || fail dnsmasq "$(cat "$T/said/dnsmasq")"

daemon_run() {
	nsenter --net=/run/netns/$A unshare -m sh -c 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"' sh "$T/resolv.conf" \
		"$FEMTO" run --config "$T/config.json" --state-dir "$T/state" >>"$T/daemon.log" 2>&1 </dev/null &
	DAEMON=$!
}

asked() { # -> how often
	grep -c "query\[PTR\] .* from $A4" "$T/said/dnsmasq"
}

named() { # NAME WANT
	same "$1" "$(sql "SELECT coalesce(domain, '-') || ' ' || coalesce(name_source, '-') FROM connections
		WHERE exe = '$T/bin/$1' AND rport = $PORT ORDER BY contime, rowid")" "$2"
}

daemon_start
act off name go $B4B $PORT
flush
named off '- -'
same off_no_process "$(stage_pid reverse)" ''
same off_nobody_asked "$(asked)" 0
daemon_stop_clean off

daemon_start ', "Reverse lookup": true, "Log ignore": [ ".owner.example" ]'
act first name go $B4B $PORT
act first_6 name go $B6 $PORT # named or not, as it comes
flush
said "$T/said/dnsmasq" "reply.*owner.example\|config $B4B is owner.example" || fail reply "$(cat "$T/said/dnsmasq")"
said "$T/said/dnsmasq" "is six.example" || fail reply_6 "$(cat "$T/said/dnsmasq")"
sleep 1
act second name go $B4B $PORT
act second_6 name go $B6 $PORT
flush
named second 'owner.example ptr'
named second_6 'six.example ptr'
sleep 1
flush
# nobody asks for the name server, to whom nobody talks but us, nor for A, which comes to the sink
same asked_once "$(asked)" 2
daemon_stop_clean on
