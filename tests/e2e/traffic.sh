#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# traffic.sh - the 24 scenarios of the public benchmark, s01 to s24: the rows hold exactly what the system calls said,
# for the right program, with the right peer. FAST=1 moves a sixteenth of the bytes. More ways are in ways.sh.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start

bulk() { # AMOUNT, in k, m, or without a unit
	part=$([ -n "${FAST:-}" ] && echo 16 || echo 1)
	case $1 in
	*m) echo $((${1%m} * 1024 / part))k ;;
	*k) echo $((${1%k} / part))k ;;
	*) echo $(($1 / part)) ;;
	esac
}

scenario s01_tcp_down "$(tcp $SOURCE)" tcp down $B4 $SOURCE $(bulk 32m)
scenario s02_tcp_up "$(tcp $SINK)" tcp up $B4 $SINK $(bulk 32m)
scenario s03_tcp_duplex "$(tcp $SOURCE)" tcp duplex $B4 $SOURCE $(bulk 16m)
scenario s04_udp_up "$(udp $SINK)" udp up $B4 $SINK $(bulk 17000) 1400
scenario s04_udp_down "$(udp $SOURCE)" udp down $B4 $SOURCE $(bulk 17000) 1400
icmp="raddr IS '$B4' AND raddr_source IN ('message', 'caller', 'inferred') OR raddr IS NULL AND raddr_source = 'unknown'"
scenario s05_icmp "protocol = 1 AND family = 2 AND ($icmp)" icmp ping $B4 $(bulk 3000) 1000
scenario s06_udp_443 "$(udp 443)" udp up $B4 443 $(bulk 1000) 1200
scenario s07_tcp6_down "$(tcp $SOURCE 6)" tcp down $B6 $SOURCE $(bulk 8m)
scenario s08_sctp_down "protocol = 132 AND $(to_port 7008)" tcp -p sctp down $B4 7008 $(bulk 1m)
scenario s09_udp_flood_53 "$(udp 53)" udp up $B4 53 $(bulk 65536) 64
raw="(raddr IS '$B4' AND raddr_source IN ('message', 'caller', 'inferred') OR raddr IS NULL AND raddr_source = 'unknown')"
serve b s10_peer raw serve $B4 $(bulk 3000) 0
scenario s10_raw_253 "protocol = 253 AND family = 2 AND $raw" raw talk $B4 $(bulk 3000) 1400
expect s10_peer "protocol = 253"
copy s11_many tcp
copy s11_spawn spawn
in_a "$T/bin/s11_spawn" 20 20 "$T/bin/s11_many" up $B4 $SINK $(bulk 512k) >"$T/s11" && {
	awk '{ s += $2; r += $4 } END { printf "sent %d received %d\n", s, r }' "$T/s11" >"$T/said/s11_many"
	expect s11_many "$(tcp $SINK)"
}
scenario s12_packet_send "family = 17 AND protocol = 34997 AND sniffed = 0" packet send va $(bulk 4000) 1024
scenario s13_uring_up "$(tcp $SINK)" uring send inline $B4 $SINK $(bulk 8m)
scenario s14_sendfile "$(tcp $SINK)" tcp sendfile $B4 $SINK $(bulk 32m)
scenario s15_sendmmsg "$(udp $SINK)" batch up $B4 $SINK $(bulk 16000) 1000
serve a s16_peer accept here 127.0.0.1 7100 1 $(bulk 1m)
scenario s16_loopback "protocol = 6 AND raddr = '127.0.0.1' AND rport = 7100" tcp half 127.0.0.1 7100 $(bulk 4m)
expect s16_peer "direction = 'in' AND laddr = '127.0.0.1' AND lport = 7100 AND raddr = '127.0.0.1' AND result = 'open'"
scenario s18_drip "$(tcp $SINK)" tcp drip $B4 $SINK 256k 200
scenario s19_many_small "$(tcp $SINK)" tcp many $B4 $SINK 1000 60
scenario s20_parallel "$(tcp $SINK)" tcp parallel $B4 $SINK 64k 30
scenario s21_uring_down "$(tcp $SOURCE)" uring receive inline $B4 $SOURCE $(bulk 8m)
scenario s22_splice_down "$(tcp $SOURCE)" tcp splice_in $B4 $SOURCE $(bulk 32m)
scenario s23_recvmmsg "$(udp $SOURCE)" batch down $B4 $SOURCE $(bulk 8000) 1000
scenario s24_udp6_down "$(udp $SOURCE 6)" udp down $B6 $SOURCE $(bulk 8000) 1200

# s17: a container-like root of its own in a private mount, process and network namespace
copy s17_container tcp
mkdir "$T/root"
in_a unshare --mount --pid --fork sh -c "
	mount -t tmpfs none '$T/root' && cd '$T/root' && mkdir bin usr proc etc && cp '$T/bin/s17_container' bin &&
	mount --bind /usr usr && ln -s usr/lib lib && ln -s usr/lib64 lib64 && mount -t proc none proc &&
	exec chroot . /bin/s17_container drip $B4 $SINK 4m 100" >"$T/said/s17_container" 2>&1 ||
	fail s17_container "$(cat "$T/said/s17_container")"

peer_stop
expect peer "(protocol <> 6 OR direction = 'in') AND NOT (family = 10 AND laddr LIKE '::ffff:%')"
hashed

# ---- what the rows say

check_expected
same s17_container "$(row_sum "$T/root/bin/s17_container")" "$(moved s17_container)"
check_rows s17_container_identity "$T/root/bin/s17_container" "raddr = '$B4' AND cmdline LIKE '/bin/s17_container drip %'
	AND sha256 = '$(sha256sum "$T/bin/s17_container" | cut -d' ' -f1)'"
# A connection that a window's end cuts in two is in both.
same s19_events "$(sql "SELECT sum(events) BETWEEN 60 AND 65 FROM connections WHERE exe = '$T/bin/s19_many_small'")" 1
same own_traffic_unseen "$(sql "SELECT count(*) FROM connections WHERE exe LIKE '$BUILD/femtosnitch%'")" 0
same no_flow_without_program "$(sql "SELECT count(*) FROM connections WHERE exe IS NULL")" 0
check_no_losses no_losses
daemon_stop_clean stop
