#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# paths.sh - the ways of moving bytes that are easily forgotten: rings, zero copy, io_uring, protocols that few use,
# sockets that change hands, connections that begin strangely. The rows hold exactly what the system calls said, for
# the program that made them. traffic.sh and ways.sh have the usual ways.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start

loopback() { # PORT: a client in A of a server in A
	echo "protocol = 6 AND raddr = '127.0.0.1' AND rport = $1 AND direction = 'out' AND result = 'open'"
}

accepted() { # PORT [HOST]
	echo "direction = 'in' AND result = 'open' AND lport = $1 AND laddr = '${2:-127.0.0.1}'"
}

# ---- AF_PACKET

packet="family = 17 AND protocol = 34997 AND sniffed = 0"
scenario packet_ring2 "$packet" packet ring2 va 4000 1024
scenario packet_ring3 "$packet" packet ring3 va 4000 1024

# ---- zero copy

scenario zerocopy_tcp "$(tcp $SINK)" zerocopy tcp $B4 $SINK 4000001
scenario zerocopy_udp "$(udp $SINK)" zerocopy udp $B4 $SINK 300001
for way in map mapcopy; do
	serve a zerocopy_from_$way zerocopy serve 127.0.0.1 7101 8100001 || continue
	scenario zerocopy_$way "$(loopback 7101)" zerocopy $way 127.0.0.1 7101 8100001
	served zerocopy_from_$way
	expect zerocopy_from_$way "$(accepted 7101)"
	[ ! -e "$T/said/zerocopy_$way" ] || grep -q '^mapped [1-9]' "$T/said/zerocopy_$way" ||
		skip zerocopy_${way}_really 'this kernel copied all of it'
done

# ---- io_uring

for way in sqpoll fixed msg zc zcmsg; do
	scenario uring_send_$way "$(tcp $SINK)" uring send $way $B4 $SINK 2000001
done
for way in sqpoll fixed msg multishot; do
	scenario uring_receive_$way "$(tcp $SOURCE)" uring receive $way $B4 $SOURCE 2000001
done
skip uring_receive_zc 'needs a network card that takes headers and payload apart'

# ---- MPTCP, and TCP that speaks TLS

mptcp_in="protocol IN (6, 262) AND $(accepted 7102 $A4)"
if serve a mptcp_in accept -p mptcp here $A4 7102 2 300000; then
	for way in mptcp_in_dial mptcp_in_fallback; do
		copy $way tcp
		[ $way = mptcp_in_dial ] && how='-p mptcp' || how=''
		in_b "$T/bin/$way" $how half $A4 7102 200000 >"$T/said/$way"
		expect $way "protocol IN (6, 262) AND rport = 7102 AND direction = 'out'"
	done
	served mptcp_in
	expect mptcp_in "$mptcp_in"
fi
# past recvmsg, too, since Linux 7.0
if serve b mptcp_source accept -p mptcp here $B4 7130 1 300000; then
	scenario mptcp_splice "protocol IN (6, 262) AND rport = 7130 AND direction = 'out'" tcp -p mptcp splice_end $B4 7130 1
	served mptcp_source
	expect mptcp_source "protocol IN (6, 262) AND $(accepted 7130 $B4)"
fi
for way in send sendfile splice control peek; do
	serve b ktls_peer_$way ktls serve $B4 7103 1000000 || continue
	scenario ktls_$way "$(tcp 7103)" ktls $way $B4 7103 1000000 && served ktls_peer_$way &&
		expect ktls_peer_$way "protocol = 6 AND $(accepted 7103 $B4)"
done

# ---- datagrams

if serve a udp_gro udp gro $A4 7104 50 6000; then
	copy udp_gro_from udp
	in_b "$T/bin/udp_gro_from" segments $A4 7104 50 6000 >"$T/said/udp_gro_from"
	if gone $server 100 && grep -q 'came alone' "$T/said/udp_gro.err"; then
		skip udp_gro 'this kernel joins no datagrams on such a device'
	else
		served udp_gro
		expect udp_gro "protocol = 17 AND direction = 'in' AND raddr = '$B4' AND lport = 7104"
	fi
	expect udp_gro_from "protocol = 17 AND raddr = '$A4' AND rport = 7104"
fi
scenario udp_stamped "$(udp $SINK)" udp stamped $B4 $SINK 300 100
mapped="protocol = 17 AND family = 2 AND raddr = '$B4' AND raddr_source IN ('socket', 'message')"
scenario udp_mapped_to "$mapped AND rport IN (7001, 7005, 7006)" udp to ::ffff:$B4 $SINK 300 100
scenario udp_mapped_echo_to "$mapped AND rport = $ECHO" udp echoto ::ffff:$B4 $ECHO 300 100
scenario udp_mapped_anon "$mapped OR raddr = '$B4' AND raddr_source = 'inferred'" udp anon ::ffff:$B4 $ECHO 300 100
scenario udplite_echo "protocol = 136 AND $(to_port $ECHO)" udp -p udplite echo $B4 $ECHO 300 100
scenario udplite_echo_to "protocol = 136 AND raddr = '$B4' AND rport = $ECHO" udp -p udplite echoto $B4 $ECHO 300 100
scenario udplite6_echo "protocol = 136 AND $(to_port $ECHO 6)" udp -p udplite echo $B6 $ECHO 300 100

# ---- SCTP, vsock

scenario sctp_up "protocol = 132 AND $(to_port 7008)" tcp -p sctp up $B4 7008 1m
# Where a message to a socket of many peers comes from, the kernel writes down after our hooks.
sctp="protocol = 132 AND family = 2 AND (raddr = '$B4' AND rport IN (7105, 7106) OR raddr IS NULL AND send = 0)"
for way in to sendv notified; do
	serve b sctp_peer_$way sctp serve $B4 7105 200 && serve b sctp_peer2_$way sctp serve $B4 7106 200 || continue
	scenario sctp_$way "$sctp" sctp $way $B4 7105 400 1000
	for name in sctp_peer_$way sctp_peer2_$way; do
		served $name
		expect $name 'protocol = 132 AND family = 2'
	done
done
vsock=$(sql "SELECT DISTINCT reason FROM coverage WHERE item LIKE '%/vsock_connectible_sendmsg' AND state = 'refused'")
[ -z "$vsock" ] || skip vsock "$vsock"
for type in stream seqpacket; do
	[ -z "$vsock" ] || continue
	serve a vsock_peer_$type vsock serve $type 7107 300000 || continue
	scenario vsock_$type 'family = 40' vsock talk $type 7107 200000 && served vsock_peer_$type &&
		expect vsock_peer_$type 'family = 40'
done

# ---- sockets that one makes and another uses; hostile.sh has fork, exec and descriptors sent over Unix sockets

for way in listen inetd datagram; do
	copy activated_$way activate
	serve a activator_$way activate $way $A4 7108 3 5000 "$T/bin/activated_$way" || continue
	copy activating_$way $([ $way = datagram ] && echo udp || echo tcp)
	if [ $way = datagram ]; then
		in_b "$T/bin/activating_$way" echo $A4 7108 3 1000 >"$T/said/activating_$way"
	else
		for n in 1 2 3; do in_b "$T/bin/activating_$way" half $A4 7108 1000; done >/dev/null
	fi
	served activator_$way
	mv "$T/said/activator_$way" "$T/said/activated_$way"
	expect activated_$way "lport = 7108 AND raddr = '$B4' AND direction = 'in'"
done

# ---- calls

scenario calls_mixed "$(tcp $ECHO)" calls mixed $B4 $ECHO 300000
scenario calls_relay "$(tcp $SOURCE) OR $(tcp $SINK)" calls relay $B4 $SOURCE 3m
scenario calls_all "$(tcp $SOURCE)" calls all $B4 $SOURCE 2500000
scenario calls_partial "$(tcp $SINK)" calls partial $B4 $SINK 8m
scenario calls_more "$(tcp $SINK)" calls more $B4 $SINK 300000
scenario calls_stamped "$(tcp $SINK)" calls stamped $B4 $SINK 100000
for way in hear inline; do
	serve a calls_$way calls $way $A4 7109 100000 || continue
	copy calls_urgent_$way calls
	in_b "$T/bin/calls_urgent_$way" urgent $A4 7109 100000 >"$T/said/calls_urgent_$way"
	served calls_$way
	expect calls_$way "$(accepted 7109 $A4)"
	expect calls_urgent_$way "protocol = 6 AND raddr = '$A4' AND rport = 7109"
done
scenario compat_tcp "$(tcp $ECHO)" compat tcp $B4 $ECHO 100 1000
scenario compat_udp "$(udp $ECHO)" compat udp $B4 $ECHO 100 1000
scenario compat_to "protocol = 17 AND raddr = '$B4' AND rport = $ECHO" compat to $B4 $ECHO 100 1000
scenario compat_ping "protocol = 1 AND family = 2" compat ping $B4 0 100 1000

# ---- beginnings

serve a fastopen_in accept here $A4 7110 6 3000 && {
	copy fastopen_out tcp
	in_b "$T/bin/fastopen_out" fastopen $A4 7110 700 6 >"$T/said/fastopen_out"
	served fastopen_in
	expect fastopen_in "$(accepted 7110 $A4)"
	expect fastopen_out "protocol = 6 AND rport = 7110 AND result = 'open'"
}
scenario begin_self "$(loopback 7111) AND lport = 7111" begin self 127.0.0.1 7111 100000
scenario begin_crossed "protocol = 6 AND direction = 'out' AND result = 'open' AND lport + rport = 14225" \
	begin crossed 127.0.0.1 7112 100000
scenario begin_repair "$(tcp $SOURCE)" begin repair $B4 $SOURCE 20000

# ---- BPF programs that carry bytes from socket to socket

if serve a sockmap_proxy sockmap proxy $A4 7114 $B4 $SINK; then
	copy sockmap_proxied sockmap
	in_b "$T/bin/sockmap_proxied" send $A4 7114 1m >"$T/said/sockmap_proxied"
	served sockmap_proxy
	expect sockmap_proxied "protocol = 6 AND raddr = '$A4' AND rport = 7114 AND direction = 'out'"
fi
if serve a sockmap_bounce sockmap bounce $A4 7115 1m; then
	copy sockmap_bounced sockmap
	copy sockmap_silent sockmap
	in_b "$T/bin/sockmap_bounced" send $A4 7115 1m >"$T/said/sockmap_bounced" &
	bounced=$!
	said "$T/said/sockmap_bounce" first
	in_b "$T/bin/sockmap_silent" send $A4 7115 0 >"$T/said/sockmap_silent"
	served sockmap_bounce
	wait $bounced
	expect sockmap_bounced "protocol = 6 AND raddr = '$A4' AND rport = 7115 AND direction = 'out'"
	expect sockmap_bounce "$(accepted 7115 $A4)"
fi
copy sockmap_read sockmap
act sockmap_short sockmap short 127.0.0.1 7116 1m "$T/bin/sockmap_read" && {
	sed -n 1p "$T/said/sockmap_short" >"$T/said/sockmap_read"
	sed -i 1d "$T/said/sockmap_short"
	expect sockmap_short "$(loopback 7116)"
	expect sockmap_read "$(accepted 7116)"
}

peer_stop
expect peer "protocol IN (6, 17, 132, 136, 262)"
flush
hashed
check_expected
# What the kernel carries for it leaves by its socket, but nobody reads it on the way.
[ ! -e "$T/said/sockmap_proxied" ] || same sockmap_proxy "$(row_sum "$T/bin/sockmap_proxy")" '1048577 10'
same no_flow_without_program "$(sql "SELECT count(*) FROM connections WHERE exe IS NULL")" 0
check_no_losses no_losses
daemon_stop_clean stop
