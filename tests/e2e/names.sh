#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# names.sh - what a connection's peer is called, and how we know: real resolvers and TLS stacks against a real name
# server, two names on one address, claims, names that are over. Each program is a copy of its own.
. "$(dirname "$0")/lib.sh"
rig_start
command -v dnsmasq >/dev/null || skip_all 'needs dnsmasq'
PORT=7443

serve b sink name sink $PORT
bg_b dnsmasq -k -C /dev/null --pid-file= --no-resolv --no-hosts --listen-address=$B4,$B6 --bind-interfaces --local-ttl=300 \
	--host-record=one.example,$B4,$B6 --host-record=two.example,$B4 --host-record=third.example,$B4B \
	--host-record=short.example,$B4,1 --host-record=a.ignored.example,$B4 --cname=alias.example,one.example \
	>"$T/said/dnsmasq" 2>&1 &
JOBS="$JOBS $!"
daemon_start ', "Log ignore": [ ".ignored.example" ]'

# A copy of a program of this machine, run in A for three seconds at most; what it says does not matter.
run() { # NAME PROGRAM ARG...
	run_name=$1
	command -v "$2" >/dev/null || { skip "$1" "needs $2"; return 1; }
	cp "$(command -v "$2")" "$T/bin/$1"
	shift 2
	in_a timeout $((3 * SLOW)) "$T/bin/$run_name" "$@" >"$T/said/$run_name" 2>&1 </dev/null
	return 0
}

# The same, with B as its name server.
run_resolving() { # NAME PROGRAM ARG...
	run_name=$1
	command -v "$2" >/dev/null || { skip "$1" "needs $2"; return 1; }
	cp "$(command -v "$2")" "$T/bin/$1"
	shift 2
	printf 'nameserver %s\n' $B4 >"$T/resolv.conf"
	in_a unshare -m sh -c 'mount --bind "$1" /etc/resolv.conf && shift && exec timeout "$@"' sh "$T/resolv.conf" \
		$((3 * SLOW)) "$T/bin/$run_name" "$@" >"$T/said/$run_name" 2>&1 </dev/null
	return 0
}

# Sends recorded bytes, in pieces.
send_file() { # NAME tcp|udp FILE PIECE
	cp "$(command -v dd)" "$T/bin/$1"
	in_a bash -c 'exec 3<>/dev/$1/$2/$3; exec "$4" if="$5" bs="$6" >&3 2>/dev/null' sh "$2" $B4 $PORT "$T/bin/$1" "$3" "$4"
}

# The name of each connection to our port: "domain source resolved", where there is none "- - -".
named() { # NAME WANT [PORT]
	same "$1" "$(sql "SELECT DISTINCT coalesce(domain, '-'), coalesce(name_source, '-'), coalesce(domain_resolved, '-')
		FROM connections WHERE exe = '$T/bin/$1' AND rport = ${3:-$PORT}")" "$2"
}

# ---- resolvers

act dns_udp name ask udp $B4 one.example 4 $PORT
act dns_unconnected name ask sendto $B4 One.Example 4 $PORT
act dns_tcp name ask tcp $B4 one.example 4 $PORT
act dns_alias name ask udp $B4 alias.example 4 $PORT
act dns_6 name ask udp $B6 one.example 6 $PORT
# one address, two names, at once
act_later dns_first name ask udp $B4 one.example 4 $PORT 1500
first=$!
act_later dns_second name ask udp $B4 two.example 4 $PORT 1500
wait $first $!
act dns_short name ask udp $B4 short.example 4 $PORT 6000
act dns_other name ask udp $B4 third.example 4 $PORT
act shared name go $B4B $PORT
act ignored name ask udp $B4 a.ignored.example 4 $PORT
run_resolving libc curl -s "http://one.example:$PORT/"
run_resolving libc_plain bash -c "echo x >/dev/tcp/two.example/$PORT"
dig=''
run dig dig +tries=1 @$B4 two.example && dig=yes

# ---- claims

# Nobody answers them, so all wait at once.
to_sink="--connect-to ::$B4:$PORT"
protocols=$(seq -f protocol-number-%03g -s , 60)
claim_by() { # as run
	run "$@" &
	claims="$claims $!"
}
claims=''
claim_by http curl -s $to_sink http://plain.example/x
claim_by proxy curl -s -x "http://$B4:$PORT" http://far.example/x
claim_by connect curl -sk -x "http://$B4:$PORT" https://tunnel.example/x
claim_by sni_curl curl -sk $to_sink https://curl.example/
claim_by sni_openssl openssl s_client -connect $B4:$PORT -servername openssl.example
claim_by sni_gnutls gnutls-cli --insecure --sni-hostname gnutls.example -p $PORT $B4
# a ClientHello of three records, in as many sends; one that is padded to 512 bytes
claim_by sni_records openssl s_client -connect $B4:$PORT -servername records.example -max_send_frag 512 -alpn "$protocols"
claim_by sni_padded gnutls-cli --insecure --priority 'NORMAL:%DUMBFW' --sni-hostname padded.example -p $PORT $B4
claim_by claims_ignored openssl s_client -connect $B4:$PORT -servername b.ignored.example
claim_by resolved_too openssl s_client -connect $B4:$PORT -noservername
claim_by quic_kdig kdig +tls-sni=kdig.example +quic +timeout=1 +retry=0 @$B4 -p $PORT one.example
run_resolving quic_ngtcp2 gtlsclient -q one.example $PORT https://one.example/ &
wait $claims $!
send_file postquantum tcp "$TOP/tests/fuzz/corpus/tls/postquantum" 700
send_file ech tcp "$TOP/tests/fuzz/corpus/tls/ech" 4096
send_file quic_v1 udp "$TOP/tests/fuzz/corpus/quic/rfc9001" 4096
send_file quic_v2 udp "$TOP/tests/fuzz/corpus/quic/rfc9369" 4096
# the hosts file is that of the machine's own network namespace
hosts=''
if grep -q '^127\.0\.0\.1[[:space:]]*localhost' /etc/hosts; then
	copy hosts_sink name
	"$T/bin/hosts_sink" sink $PORT >"$T/said/hosts_sink" 2>&1 &
	JOBS="$JOBS $!"
	copy hosts name
	said "$T/said/hosts_sink" ready 20 && "$T/bin/hosts" go 127.0.0.1 $PORT >"$T/said/hosts" && hosts=yes
fi

flush
named dns_udp 'one.example dns -'
named dns_unconnected 'one.example dns -'
named dns_tcp 'one.example dns -'
named dns_alias 'alias.example dns -'
named dns_6 'one.example dns -'
named dns_first 'one.example dns -'
named dns_second 'two.example dns -'
named dns_other 'third.example dns -'
named shared 'third.example shared -'
if [ -z "$hosts" ]; then
	skip hosts 'no localhost in /etc/hosts, or its port is taken'
elif [ "$(sql "SELECT name_source FROM connections WHERE exe = '$T/bin/hosts' AND rport = $PORT")" = shared ]; then
	skip hosts 'another program of this machine asked for localhost'
else
	named hosts 'localhost hosts -'
fi
case $(sql "SELECT DISTINCT domain FROM connections WHERE exe = '$T/bin/dns_short' AND rport = $PORT") in
short.example) fail dns_over 'the name was over when the connection began' ;;
*) ok dns_over ;;
esac
# B is no name server of this machine: ignored.sh has those
named ignored 'a.ignored.example dns -'
[ ! -e "$T/bin/libc" ] || named libc 'one.example http -'
same libc_plain "$(sql "SELECT DISTINCT domain, name_source IN ('dns', 'libc') FROM connections
	WHERE exe = '$T/bin/libc_plain' AND rport = $PORT")" 'two.example 1'
resolved=$(sql "SELECT DISTINCT coalesce(domain, '-') FROM connections WHERE exe = '$T/bin/resolved_too' AND rport = $PORT")
case $resolved in one.example | two.example) ok resolved_too ;; *) fail resolved_too "'$resolved'" ;; esac
[ -z "$dig" ] || same dig "$(sql "SELECT count(*) > 0 FROM connections WHERE exe = '$T/bin/dig' AND rport = 53")" 1

# Before it sent anything, on a slow machine in a window of its own, it claims nothing.
claim() { # NAME 'DOMAIN SOURCE'
	[ -e "$T/bin/$1" ] || return
	same "$1" "$(sql "SELECT DISTINCT domain, name_source FROM connections WHERE exe = '$T/bin/$1' AND rport = $PORT
		AND send > 0")" "$2"
}
claim http 'plain.example http'
claim proxy 'far.example http'
claim connect 'tunnel.example http'
claim sni_curl 'curl.example sni'
claim sni_openssl 'openssl.example sni'
claim sni_gnutls 'gnutls.example sni'
claim sni_records 'records.example sni'
claim sni_padded 'padded.example sni'
claim quic_kdig 'kdig.example quic'
claim quic_ngtcp2 'one.example quic'
claim claims_ignored 'b.ignored.example sni'
claim postquantum 'big.example.org sni'
claim ech 'outer.example.net ech'
claim quic_v1 'example.com quic'
claim quic_v2 'example.com quic'
# what a resolver said of the address stands beside what the program says of itself
same claims_apart "$(sql "SELECT DISTINCT domain_resolved IN ('one.example', 'two.example') FROM connections
	WHERE exe = '$T/bin/sni_openssl' AND rport = $PORT")" 1

# ---- the process dies: it is said, names come again, nothing else is missing

names=$(stage_pid names)
kill -KILL "$names"
act while_dead name go $B4 $PORT
i=0
while [ -z "$(stage_pid names)" ] || [ "$(stage_pid names)" = "$names" ]; do
	i=$((i + 1))
	[ $i -gt $((50 * SLOW)) ] && break
	sleep 0.1
done
sleep 0.5
act after_death name ask udp $B4 one.example 4 $PORT
flush
check_sum while_dead
named after_death 'one.example dns -'
same death_is_said "$(grep -c 'femtosnitch-names was killed by signal 9' "$T/daemon.log" | sed 's/[1-9][0-9]*/yes/')" yes
daemon_stop_clean names

# ---- switched off

daemon_start ', "Read names from traffic": false'
same off_no_process "$(stage_pid names)" ''
act off name ask udp $B4 one.example 4 $PORT
flush
check_sum off
named off '- - -'
daemon_stop_clean off
