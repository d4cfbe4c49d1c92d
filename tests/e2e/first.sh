#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# first.sh - the first bytes of a connection tell its name, whichever call sends them; what cannot be looked into has
# none, is counted, and has no other's. And what getaddrinfo tells, in a namespace that came later too.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start
hello=$TOP/tests/fuzz/corpus/tls/openssl
initial=$TOP/tests/fuzz/corpus/quic/rfc9001

for way in write send sendto writev pwritev2 sendmsg sendmmsg split write32 writev32 sendmsg32 sendmmsg32; do
	act tls_$way first $way $B4 $SINK "$hello"
done
act tls_6 first write $B6 $SINK "$hello"
for way in write sendmsg sendmmsg writev32; do
	act quic_$way first -u $way $B4 $SINK "$initial"
done
act peers first -u peers $B4 5000 "$initial" $B4B
before=$(sql "SELECT coalesce(sum(records), 0) FROM losses WHERE kind = 'name'")
act tls_uring first uring $B4 $SINK "$hello"
act quic_uring first -u uring $B4 $SINK "$initial"
act tls_file first file $B4 $SINK "$hello"

# hosts(5) sends no packet. The second runs where another mount namespace hides the first's file.
printf '%s hosts.example\n' $B4 >"$T/hosts"
printf '%s later.example\n' $B4B >"$T/later"
printf '%s own.example\n' $B6 >"$T/own"
lookup() { # NAME HOSTS HOST
	cp "$(command -v bash)" "$T/bin/$1"
	in_a unshare -m sh -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' sh "$T/$2" \
		"$T/bin/$1" -c "exec 3<>/dev/tcp/$3/$SINK; echo >&3"
}
# A container has a C library of its own, which is watched from its first use of the network on.
libc=$(ldd "$(command -v bash)" | awk '/libc\.so/ { print $3 }')
if [ -n "$libc" ]; then
	cp "$(readlink -f "$libc")" "$T/libc.so"
	cp "$(command -v bash)" "$T/bin/libc_own"
	in_a unshare -m sh -c 'mount --bind "$1" "$2" && mount --bind "$3" /etc/hosts && shift 3 &&
		"$1" -c "exec 3<>/dev/tcp/$2/$3; sleep $4" && exec "$1" -c "exec 3<>/dev/tcp/own.example/$3; echo >&3"' \
		sh "$T/libc.so" "$libc" "$T/own" "$T/bin/libc_own" $B4 $SINK $((3 * SLOW))
fi

lookup libc hosts hosts.example
lookup libc_later later later.example
peer_stop
flush
named() { # NAME WANT
	[ ! -e "$T/said/$1" ] && [ "${1#libc}" = "$1" ] && return # skipped
	same "$1" "$(sql "SELECT DISTINCT domain || ' ' || name_source FROM connections
		WHERE exe = '$T/bin/$1' AND rport = $SINK AND raddr <> '${3:-}' AND name_source <> 'shared'")" "$2"
}
for way in write send sendto writev pwritev2 sendmsg sendmmsg split write32 writev32 sendmsg32 sendmmsg32 6; do
	named tls_$way 'openssl.example.org sni'
done
for way in write sendmsg sendmmsg writev32; do
	named quic_$way 'example.com quic'
done
# a trampoline sees the message that io_uring sends, a tracepoint does not: then there is no name, never another's
seen=
! grep -q 'hooks trampolines' "$T/daemon.log" || seen=yes
named tls_uring "${seen:+openssl.example.org sni}"
named quic_uring "${seen:+example.com quic}"
# each peer of a socket has a name of its own; the second of them hears by io_uring
[ ! -e "$T/said/peers" ] ||
	same peers "$(sql "SELECT raddr, rport, coalesce(domain, '-') FROM connections WHERE exe = '$T/bin/peers'
		ORDER BY raddr, rport")" "$B4 5000 example.com
$B4 5001 $([ -z "$seen" ] && echo - || echo example.com)
$B4B 5000 -"
named tls_file ''
named libc 'hosts.example libc'
named libc_later 'later.example libc'
[ -z "$libc" ] || named libc_own 'own.example libc' $B4
if [ -e "$T/said/tls_uring" ] && [ -z "$seen" ]; then
	after=$(sql "SELECT coalesce(sum(records), 0) FROM losses WHERE kind = 'name'")
	if [ "$after" -gt "$before" ]; then ok uring_is_counted; else fail uring_is_counted "$before before, $after after"; fi
fi
check_no_losses no_losses
