#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# ignored.sh - whose names "Log ignore" believes: those of the machine's name servers, and of nobody that a program
# can choose. The machine is A here: its network namespace and its resolv.conf are the daemon's.
. "$(dirname "$0")/lib.sh"
rig_start
for tool in dnsmasq bpftool; do
	command -v $tool >/dev/null || skip_all "needs $tool"
done
PORT=7443

answer() { # LISTEN RECORD...
	answer_at=$1
	shift
	bg_b dnsmasq -k -C /dev/null --pid-file= --no-resolv --no-hosts --listen-address="$answer_at" --bind-interfaces \
		--local-ttl=300 "$@" >>"$T/said/dnsmasq" 2>&1 &
	JOBS="$JOBS $!"
}

daemon_run() {
	nsenter --net=/run/netns/$A unshare -m sh -c 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"' sh "$T/resolv.conf" \
		"$FEMTO" run --config "$T/config.json" --state-dir "$T/state" >>"$T/daemon.log" 2>&1 </dev/null &
	DAEMON=$!
}

# A copy of bash, with a file of its own in place of that in /etc, talks to a host.
bash_with() { # NAME FILE HOST
	cp "$(command -v bash)" "$T/bin/$1"
	in_a unshare -m sh -c 'mount --bind "$1/$2" "/etc/$2" && exec "$3" -c "echo x >/dev/tcp/$4/$5"' sh "$T" "$2" "$T/bin/$1" \
		"$3" $PORT >"$T/said/$1" 2>&1 </dev/null
}

serve b sink name sink $PORT
answer $B4 --host-record=asked.ignored.example,$B4 --host-record=late.ignored.example,$B4
answer $B6 --host-record=asked.ignored.example,$B6
answer $B4B --host-record=forged.ignored.example,$B4
printf 'nameserver %s\n' $B4 $B6 >"$T/resolv.conf"
printf '%s faked.ignored.example\n' $B4 >"$T/hosts"
daemon_start ', "Log ignore": [ ".ignored.example" ]'

act own name ask udp $B4B forged.ignored.example 4 $PORT
act own_tcp name ask tcp $B4B forged.ignored.example 4 $PORT
act forged name forge $B4 asked.ignored.example $B4B $PORT
bash_with faked hosts faked.ignored.example
act asked name ask udp $B4 asked.ignored.example 4 $PORT
act asked6 name ask udp $B6 asked.ignored.example 6 $PORT
act asked_tcp name ask tcp $B4 asked.ignored.example 4 $PORT
bash_with libc resolv.conf asked.ignored.example
flush

named() { # NAME WANT
	same "$1" "$(sql "SELECT DISTINCT domain || ' ' || name_source FROM connections WHERE exe = '$T/bin/$1' AND rport = $PORT")" "$2"
}
named own 'forged.ignored.example dns'
named own_tcp 'forged.ignored.example dns'
# whatever it made its own answer say
same forged "$(row_sum "$T/bin/forged" "rport = $PORT")" '100 0'
named faked 'faked.ignored.example libc'
for name in asked asked6 asked_tcp libc; do
	named $name ''
	same ${name}_counted "$(sql "SELECT ignored > 0 FROM programs WHERE exe = '$T/bin/$name'")" 1
done

# Packets are looked at only where it is needed, and only the start may have it done.
same packets_watched "$(sql "SELECT count(*) FROM coverage WHERE item LIKE 'answers of name servers%'")" 1
attached() {
	bpftool cgroup show "$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)" | grep -c on_answer
}
reload() { # GENERATION [CONFIG...]
	generation=$1
	shift
	daemon_config "$*"
	kill -HUP $DAEMON
	said "$T/daemon.log" "generation $generation" || fail reload 'no word of it in the log'
	flush
}
had=$(attached)
reload 2
let_go() { # NAME: on Linux 5.10 bpftool shows no cgroup's programs
	[ "$had" -gt 0 ] || { skip "$1" 'bpftool does not show it here' && return; }
	same "$1" "$(attached)" $((had - 1))
}
let_go packets_let_go
reload 3 ', "Log ignore": [ ".ignored.example" ]'
let_go packets_after_reload
said "$T/daemon.log" 'until the next start' && ok packets_said || fail packets_said "$(tail -n 3 "$T/daemon.log")"
act late name ask udp $B4 late.ignored.example 4 $PORT
flush
same late "$(row_sum "$T/bin/late" "rport = $PORT")" '100 0'
daemon_stop_clean ignored
