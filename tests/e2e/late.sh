#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# late.sh - a module that is loaded while the daemon runs is watched from then on, by a process that sleeps until then.
# Needs trampolines, and a module tun that nobody uses.
. "$(dirname "$0")/lib.sh"
rig_start
had=$(sed -n 's/^\(tun\|vhost_net\) .*/\1/p' /proc/modules 2>/dev/null)
modprobe -q -r vhost_net tun 2>/dev/null
trap 'rig_end; for module in $had; do modprobe -q $module; done' EXIT
[ ! -e /sys/module/tun ] || skip_all 'the driver tun is built in, or in use'
modprobe -q -n tun || skip_all 'this kernel has no module tun'
daemon_start
item() { sql "SELECT DISTINCT state || ': ' || coalesce(reason, '') FROM coverage WHERE item = '$1'"; }
was=$(item fexit/tun_chr_write_iter)
[ "$was" = 'refused: module tun is not loaded' ] || skip_all "programs on modules do not work here: ${was:-there are none}"
peer_start

attached() { sql "SELECT reason FROM coverage WHERE state = 'attached'" | cut -d' ' -f1; }
losses() { sql "SELECT count(*) FROM losses WHERE kind = 'hook' AND detail LIKE '$1'"; }
collector=$(stage_pid collector)
loader=$(for pid in $(cat "/proc/$collector/task/$collector/children"); do
	! grep -qx femtosnitch-loa "/proc/$pid/comm" || echo "$pid"
done)

# ---- it can do no more than it must

pss() { sed -n 's/^Pss:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$1/smaps_rollup"; }
fact() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$loader/$1"; }
same loader_capabilities "$(fact status CapEff)" 000000c000200000 # SYS_ADMIN PERFMON BPF
same loader_no_new_privileges "$(fact status NoNewPrivs)" 1
same loader_no_pipes "$([ -e "/proc/$loader/fd/0" ] || [ -e "/proc/$loader/fd/1" ] || echo none)" none

# ---- the module comes

before=$(attached)
modprobe tun
i=0
until [ "$(losses 'module tun was loaded: what it moved before%')" = 1 ] || [ $i -ge $((30 * SLOW)) ]; do
	i=$((i + 1))
	sleep 1
	flush
done
same tun_said "$(item 'module tun' | sed 's/since 20.*Z$/since TIME/')" 'noted: watched since TIME'
same tun_not_refused "$(item fexit/tun_chr_write_iter)" ''
same tun_attached "$(($(attached) - before >= 4))" 1
same tun_gap "$(losses 'module tun%') $(sql "SELECT unix_to >= unix_from FROM losses WHERE kind = 'hook' AND detail LIKE 'module tun%'")" '1 1'

serve a vpn tun plain fslate 198.19.0.1 300 700 200 && {
	act vpn_user udp up 198.19.0.2 9 200 500
	served vpn
	flush
	same tun_counted "$(sql "SELECT coalesce(sum(tunnel_send), 0), coalesce(sum(tunnel_recv), 0) FROM connections
		WHERE exe = '$T/bin/vpn' AND laddr = 'fslate'")" "$(moved vpn)"
	check_sum vpn_user
}
same tun_stays "$(modprobe -q -r tun 2>/dev/null || echo 'in use')" 'in use'

# ---- without the loader that is said, and all else goes on; what it cost is what there is less now

all_pss() { # of the collector and its children, who share most of it
	for pid in $(descendants "$collector"); do pss "$pid"; done | awk '{ s += $1 } END { print s }'
}
with=$(all_pss)
kill -KILL "$loader"
gone "$loader" 50
size=$((with - $(all_pss)))
if [ $size -lt 350 ]; then ok "loader_small ($size kB)"; else fail loader_small "$size kB"; fi
i=0
until [ "$(losses 'no more programs can be loaded%')" = 1 ] || [ $i -ge $((10 * SLOW)) ]; do
	i=$((i + 1))
	sleep 1
	flush
done
same loader_killed_said "$(losses 'no more programs can be loaded%')" 1
act after udp echo $B4 $ECHO 20 300
flush
check_sum after

peer_stop
same no_other_losses "$(sql "SELECT kind, detail FROM losses WHERE kind NOT IN ('not watching', 'hook')
	LIMIT -1 OFFSET $LOSSES")" ''
daemon_stop_clean stop
same tun_free "$(modprobe -q -r tun 2>/dev/null && echo removed)" removed
