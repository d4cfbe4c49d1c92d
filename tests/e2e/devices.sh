#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# devices.sh - traffic that no socket call moves: frames through TUN/TAP and macvtap (VPNs, virtual machines), those
# that vhost_net moves for a virtual machine, AF_XDP sockets. Needs trampolines.
. "$(dirname "$0")/lib.sh"
for module in tun macvtap vhost_net; do modprobe -q $module; done # before the daemon: it attaches what is there
rig_start
daemon_start
! refused=$(sql "SELECT reason FROM coverage WHERE item = 'fexit/xsk_bind' AND state = 'refused'" | grep .) ||
	skip_all "$refused"
peer_start

tunnel() { # NAME -> "SENT RECEIVED" through devices
	sql "SELECT coalesce(sum(tunnel_send), 0), coalesce(sum(tunnel_recv), 0) FROM connections WHERE exe = '$T/bin/$1'"
}

# To the byte what the actor said, as a tunnel's, and nothing of it in a total.
check_tunnel() { # NAME DEVICE
	flush
	same "$1" "$(tunnel "$1")" "$(moved "$1")"
	check_rows "$1_rows" "$T/bin/$1" "family = 17 AND laddr = '$2' AND send = 0 AND recv = 0 AND sniffed = 0 AND
		raddr IS NULL AND netns = $NET_A"
	same "$1_no_total" "$(sql "SELECT coalesce(sum(send + recv), 0) FROM totals_day WHERE exe = '$T/bin/$1'")" 0
}

NET_A=$(in_a stat -L -c %i /proc/self/ns/net)

# ---- TUN: what a VPN gives the device, and what it takes

for how in plain pi vnet; do
	dev=fs$how
	serve a vpn_$how tun $how $dev 198.19.0.1 300 700 200 || continue
	act vpn_user_$how udp up 198.19.0.2 9 200 500
	served vpn_$how
	check_tunnel vpn_$how $dev
	check_sum vpn_user_$how
done

# ---- vhost_net: what the kernel moves for a virtual machine, as the virtual machine's

for how in batch single; do
	dev=fs$how
	serve a vm_$how vhost $how $dev 1000 1200 100 || continue
	act vm_user_$how packet send $dev 100 600
	served vm_$how
	check_tunnel vm_$how $dev
done

# ---- macvtap: the file of an interface that stands beside another

macvtap() { # DEVICE -> its file in $FILE
	ip -n $A link add link va name "$1" type macvtap mode bridge 2>/dev/null && ip -n $A link set "$1" up || return
	number=$(in_a sh -c "mount -t sysfs none '$T/sys' && cat '$T'/sys/class/net/$1/macvtap/*/dev; umount '$T/sys'")
	FILE=$T/$1
	mknod "$FILE" c "${number%:*}" "${number#*:}"
}

mkdir "$T/sys"
if macvtap fsmac0 && serve a vpn_macvtap tun macvtap "$FILE" - 300 700 200; then
	copy mac_user packet
	in_b "$T/bin/mac_user" send vb 200 600 >/dev/null
	served vpn_macvtap
	check_tunnel vpn_macvtap fsmac0
else
	skip vpn_macvtap 'no macvtap here'
fi
for how in batch single; do
	macvtap fsmac$how && serve a vm_mac$how vhost $how "$FILE" 1000 1200 100 || continue
	in_b "$T/bin/mac_user" send vb 100 600 >/dev/null
	served vm_mac$how
	check_tunnel vm_mac$how fsmac$how
done

# ---- AF_XDP: whose the frames are that nobody can count

act xdp_owner xdp va && {
	flush
	check_rows xdp_owner "$T/bin/xdp_owner" "family = 44 AND laddr = 'va' AND lport = 0 AND send = 0 AND recv = 0"
	check_sum xdp_owner
}

peer_stop
hashed
check_no_losses no_losses
daemon_stop_clean stop
