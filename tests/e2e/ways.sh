#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# ways.sh - more ways of moving bytes than the 24 of traffic.sh, checked in the same manner: every mode of the actors,
# each once and small.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start

scenario tcp_splice_end "$(tcp $SOURCE)" tcp splice_end $B4 $SOURCE 60000
scenario tcp_splice_out "$(tcp $SINK)" tcp splice_out $B4 $SINK 8m
scenario tcp_writev "$(tcp $SINK)" tcp vectors $B4 $SINK 1m
scenario tcp_zerocopy "$(tcp $SINK)" tcp zerocopy $B4 $SINK 8m
scenario tcp_discard "$(tcp $SOURCE)" tcp discard $B4 $SOURCE 4m
scenario tcp_peek "$(tcp $SOURCE)" tcp peek $B4 $SOURCE 100k
scenario tcp_half_close "$(tcp $ECHO)" tcp half $B4 $ECHO 300k
scenario tcp_reset_by_us "$(tcp $SOURCE)" tcp reset $B4 $SOURCE 10000
scenario tcp_reset_by_peer "protocol = 6 AND rport = $RESET AND result IN ('open', 'reset')" tcp was_reset $B4 $RESET 900
scenario tcp_fastopen "$(tcp $SINK)" tcp fastopen $B4 $SINK 700 5
scenario tcp_mapped "$(tcp $SINK)" tcp up ::ffff:$B4 $SINK 100k
scenario tcp6_up "$(tcp $SINK 6)" tcp up $B6 $SINK 8m
scenario uring_worker "$(tcp $SINK)" uring send worker $B4 $SINK 1m
scenario uring_worker_down "$(tcp $SOURCE)" uring receive worker $B4 $SOURCE 1m
mptcp="protocol IN (6, 262) AND result = 'open' AND $(to_port 7007)"
scenario mptcp_up "$mptcp" tcp -p mptcp up $B4 7007 8m
scenario mptcp_fallback "protocol IN (6, 262) AND $(to_port $SOURCE)" tcp -p mptcp down $B4 $SOURCE 1m
scenario udp_echo "$(udp $ECHO)" udp echo $B4 $ECHO 1000 100
scenario udp6_up "$(udp $SINK 6)" udp up $B6 $SINK 1000 500
scenario udp_peek "$(udp $ECHO)" udp peek $B4 $ECHO 100 100
scenario udp_cut "$(udp $ECHO)" udp cut $B4 $ECHO 100 100
mapped="raddr_source IN ('socket', 'message')" # the kernel's IPv6 code names the peer in every call
scenario udp_mapped "protocol = 17 AND $mapped AND $(to_port $SINK)" udp up ::ffff:$B4 $SINK 100 100
scenario udp_segments "$(udp $SINK)" udp segments $B4 $SINK 100 6000
unconnected="protocol = 17 AND raddr = '$B4' AND raddr_source = 'message' AND result IS NULL"
scenario udp_echo_to "$unconnected AND rport = $ECHO" udp echoto $B4 $ECHO 1000 100
scenario udp_several "$unconnected AND rport IN (7001, 7005, 7006)" udp to $B4 $SINK 300 100
scenario udp6_several "protocol = 17 AND raddr = '$B6' AND rport IN (7001, 7005, 7006)" udp to $B6 $SINK 300 100
scenario udp_no_address "protocol = 17 AND raddr = '$B4' AND rport = $ECHO" udp anon $B4 $ECHO 100 100
scenario sendmmsg_several "$unconnected AND rport IN (7001, 7005, 7006)" batch to $B4 $SINK 4800 100
scenario recvmmsg_from "$unconnected AND rport = $SOURCE" batch from $B4 $SOURCE 800 1000
icmp="raddr IS '$B4' AND raddr_source IN ('message', 'caller', 'inferred') OR raddr IS NULL AND raddr_source = 'unknown'"
scenario icmp_raw "protocol = 1 AND family = 2 AND ($icmp)" icmp raw $B4 100 1000
scenario icmp6_ping "protocol = 58 AND family = 10" icmp ping $B6 100 1000
scenario icmp6_raw "protocol = 58 AND family = 10" icmp raw $B6 100 1000
scenario raw_own_header "family = 2 AND protocol IN (253, 255)" raw hdrincl $B4 100 500
scenario packet_dgram "family = 17 AND protocol = 34997" packet dgram va 100 500

serve a packet_sniff packet sniff va 100 0
scenario sniffed_about "$(udp $SINK)" udp up $B4 $SINK 100 100
served packet_sniff

serve a accepts accept here $A4 7200 3 5000
copy dials tcp
for n in 1 2 3; do in_b "$T/bin/dials" half $A4 7200 20000; done >/dev/null
expect accepts "direction = 'in' AND result = 'open' AND lport = 7200 AND laddr = '$A4' AND raddr = '$B4'"

peer_stop
expect peer "(protocol <> 6 OR direction = 'in') AND NOT (family = 10 AND laddr LIKE '::ffff:%')"
hashed

# ---- what the rows say

check_expected
for name in udp_several udp6_several; do
	same ${name}_by_port "$(sql "SELECT rport, sum(send) FROM connections WHERE exe = '$T/bin/$name' GROUP BY rport" |
		tr '\n' ,)" '7001 10000,7005 10000,7006 10000,'
done
same sendmmsg_several_by_port "$(sql "SELECT rport, sum(send) FROM connections WHERE exe = '$T/bin/sendmmsg_several'
	GROUP BY rport" | tr '\n' ,)" '7001 180000,7005 150000,7006 150000,'
same packet_sniff "$(sql "SELECT sum(send), sum(recv), sum(sniffed) FROM connections WHERE exe = '$T/bin/packet_sniff'")" \
	"0 0 $(sed -n 's/^sniffed \([0-9]*\) .*/\1/p' "$T/said/packet_sniff")"
same own_traffic_unseen "$(sql "SELECT count(*) FROM connections WHERE exe LIKE '$BUILD/femtosnitch%'")" 0
same no_flow_without_program "$(sql "SELECT count(*) FROM connections WHERE exe IS NULL")" 0
check_no_losses no_losses
daemon_stop_clean stop
