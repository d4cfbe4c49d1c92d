#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel.sh - traffic of the kernel itself is named after the module it is for: NFS (its sockets are seen like any),
# WireGuard and VXLAN (past every socket call: needs trampolines).
. "$(dirname "$0")/lib.sh"
for module in wireguard vxlan nfsd nfsv4; do modprobe -q $module; done # before the daemon: it attaches what is there
rig_start
peer_start
daemon_start
NET_A=$(in_a stat -L -c %i /proc/self/ns/net)
NET_B=$(in_b stat -L -c %i /proc/self/ns/net)
REFUSED=$(sql "SELECT reason FROM coverage WHERE item = 'fentry/udp_set_csum' AND state = 'refused'")

kernel_sum() { # MODULE WHERE -> "SENT RECEIVED"
	sql "SELECT coalesce(sum(send), 0), coalesce(sum(recv), 0) FROM connections WHERE exe = 'kernel: $1' AND ($2)"
}

kernel_rows() { # NAME MODULE NETNS FACTS
	bad=$(sql "SELECT count(*) FILTER (WHERE ($4) IS NOT 1) || ' of ' || (count(*) > 0) FROM connections
		WHERE exe = 'kernel: $2' AND netns = $3")
	same "$1" "$bad" '0 of 1'
}

needs_trampolines() { # NAME
	[ -z "$REFUSED" ] && return
	skip "$1" "$REFUSED"
	return 1
}

# Move a device of A to a network namespace of its own, and ask for a neighbour through it.
elsewhere() { # DEVICE INNER
	bg_a unshare --net sleep 600 &
	inside=$!
	JOBS="$JOBS $inside"
	sleep 0.5
	ip -n $A link set "$1" netns $inside
	nsenter --net=/proc/$inside/ns/net sh -c "ip addr add $2.1/24 dev $1; ip link set $1 up
		ping -c 1 -W 1 $2.2" >/dev/null 2>&1
}

# ---- WireGuard: what it says it transferred is what is in the rows, to the byte

wireguard_ends() { # DEVICE INNER PORT A_OUTER B_OUTER
	umask 077
	for side in a b; do wg genkey >"$T/$side.key" && wg pubkey <"$T/$side.key" >"$T/$side.pub"; done
	ip -n $A link add "$1" type wireguard && ip -n $B link add "$1" type wireguard || return
	in_a wg set "$1" private-key "$T/a.key" listen-port "$3" peer "$(cat "$T/b.pub")" allowed-ips 0.0.0.0/0 endpoint "$5:$3"
	in_b wg set "$1" private-key "$T/b.key" listen-port "$3" peer "$(cat "$T/a.pub")" allowed-ips 0.0.0.0/0
	ip -n $A addr add "$2.1/24" dev "$1"
	ip -n $B addr add "$2.2/24" dev "$1"
	ip -n $A link set "$1" up
	ip -n $B link set "$1" up
}

wireguard() { # NAME DEVICE INNER PORT A_OUTER B_OUTER PEER
	wireguard_ends "$2" "$3" "$4" "$5" "$6" || { skip "$1" 'no WireGuard in this kernel'; return; }
	act "$1_inner" udp echo "$3.2" $ECHO 500 700 || return
	for net in $A $B; do ip -n $net link set "$2" down; done # nothing more, not even a keepalive
	flush
	same "$1_a" "$(kernel_sum wireguard "netns = $NET_A AND lport = $4")" "$(in_a wg show "$2" transfer | awk '{ print $3, $2 }')"
	same "$1_b" "$(kernel_sum wireguard "netns = $NET_B AND lport = $4")" "$(in_b wg show "$2" transfer | awk '{ print $3, $2 }')"
	kernel_rows "$1_rows" wireguard "$NET_A" "lport <> $4 OR protocol = 17 AND laddr = '${5#[}' AND raddr = '$7' AND
		rport = $4 AND uid = 0 AND raddr_source = 'message' AND name = 'wireguard' AND sha256 IS NULL"
	check_sum "$1_inner"
}

if needs_trampolines wireguard; then
	if command -v wg >/dev/null; then
		wireguard wg4 fswg4 198.19.1 51820 $A4 $B4 $B4
		wireguard wg6 fswg6 198.19.2 51821 $A6 "[$B6]" $B6

		# a device that was moved to another network namespace sends where it was made
		if ip -n $A link add fswgm type wireguard 2>/dev/null; then
			in_a wg set fswgm private-key "$T/a.key" listen-port 51822 peer "$(cat "$T/b.pub")" allowed-ips 0.0.0.0/0 \
				endpoint $B4:51822
			elsewhere fswgm 198.19.3 # a handshake nobody answers
			flush
			same wg_moved "$(sql "SELECT count(*) > 0, sum(netns = $NET_A) = count(*) FROM connections WHERE lport = 51822")" '1 1'
		fi
	else
		skip wireguard 'needs wg'
	fi
fi

# ---- VXLAN: 8 bytes and an Ethernet frame each, whose header its device does not count

vxlan() {
	ip -n $A link add fsvx type vxlan id 7 remote $B4 local $A4 dstport 4789 dev va 2>/dev/null &&
		ip -n $B link add fsvx type vxlan id 7 remote $A4 local $B4 dstport 4789 dev vb || {
		skip vxlan 'no VXLAN in this kernel'
		return
	}
	for end in $A:1 $B:2; do
		ip -n ${end%:*} addr add 198.19.4.${end#*:}/24 dev fsvx
		ip -n ${end%:*} link set fsvx addrgenmode none
		ip -n ${end%:*} link set fsvx up
	done
	act vxlan_inner udp echo 198.19.4.2 $ECHO 500 700
	for net in $A $B; do ip -n $net link set fsvx down; done
	flush
	frames=$(in_a awk '/fsvx/ { sub(/.*:/, ""); print $9 + (14 + 8) * $10 }' /proc/net/dev)
	same vxlan_sent "$(kernel_sum vxlan "netns = $NET_A" | cut -d' ' -f1)" "$frames"
	same vxlan_both "$(kernel_sum vxlan "netns = $NET_A")" "$(kernel_sum vxlan "netns = $NET_B" | awk '{ print $2, $1 }')"
	kernel_rows vxlan_rows vxlan "$NET_A" "protocol = 17 AND family = 2 AND laddr = '$A4' AND raddr = '$B4'"
	check_sum vxlan_inner
	ip -n $A link add fsvxm type vxlan id 8 remote $B4 local $A4 dstport 4790 dev va
	elsewhere fsvxm 198.19.5
	flush
	same vxlan_moved "$(sql "SELECT count(*) > 0, sum(netns = $NET_A) = count(*) FROM connections WHERE rport = 4790")" '1 1'
}
if needs_trampolines vxlan; then vxlan; fi

# ---- NFS: a server in B, a client in A

nfs_serve() {
	mkdir "$T/export" "$T/mnt"
	bg_b unshare --mount sh -c "
		mount -t tmpfs none /var/lib/nfs && mount -t tmpfs none '$T/export' && mount -t nfsd nfsd /proc/fs/nfsd || exit 77
		touch /var/lib/nfs/etab /var/lib/nfs/rmtab
		exportfs -o rw,no_root_squash,insecure,fsid=0,no_subtree_check '*:$T/export'
		rpc.mountd -F -N 2 -N 3 -u &
		mountd=\$!
		echo 10 >/proc/fs/nfsd/nfsv4gracetime # until then nobody may write
		rpc.nfsd -N 3 -U -t 2 && echo ready
		read -r end <'$T/nfs.end'
		rpc.nfsd 0
		kill \$mountd" >"$T/said/nfsd" 2>&1 &
	JOBS="$JOBS $!"
	NFSD=$!
	said "$T/said/nfsd" ready
}

nfs() {
	for tool in rpc.nfsd rpc.mountd mount.nfs4; do
		command -v $tool >/dev/null || { skip nfs "needs $tool"; return; }
	done
	grep -q nfsd /proc/filesystems && grep -q nfs4 /proc/filesystems || { skip nfs 'no NFS in this kernel'; return; }
	mkfifo "$T/nfs.end"
	nfs_serve || { skip nfs "no NFS server here: $(tail -n 1 "$T/said/nfsd")"; return; }
	in_a timeout $((30 * SLOW)) mount -t nfs4 -o vers=4.2,soft $B4:/ "$T/mnt" || { fail nfs 'no mount'; return; }
	dd if=/dev/zero of="$T/mnt/file" bs=64k count=32 conv=fsync 2>/dev/null || fail nfs 'cannot write'
	cat "$T/mnt/file" >/dev/null
	umount "$T/mnt"
	echo end >"$T/nfs.end"
	gone "$NFSD" 100
	flush
	nfs_client=$(kernel_sum sunrpc "netns = $NET_A AND rport = 2049 AND direction = 'out'")
	same nfs "$(echo "$nfs_client" | awk '{ print ($1 > 2097152), ($2 > 1000) }')" '1 1'
	# the server's socket may be rpc.nfsd's, handed to the threads of the kernel that use it
	same nfs_server "$(sql "SELECT sum(recv), sum(send) FROM connections WHERE exe IN ('kernel: sunrpc', 'kernel: nfsd')
		AND netns = $NET_B AND lport = 2049 AND direction = 'in'")" "$nfs_client"
	kernel_rows nfs_rows sunrpc "$NET_A" "protocol = 6 AND raddr = '$B4' AND laddr = '$A4'"
}

# A connection that fails on this machine is the kernel's, too, and not its worker's.
nfs_nowhere() {
	in_a timeout 5 mount -t nfs4 -o vers=4.2,soft,retrans=1,timeo=10,clientaddr=$A4 $NOWHERE:/ "$T/mnt" 2>/dev/null && fail nfs_nowhere 'a mount'
	flush
	same nfs_nowhere "$(sql "SELECT DISTINCT exe, result FROM connections WHERE raddr = '$NOWHERE' AND rport = 2049")" \
		'kernel: sunrpc local'
}

early=$(sql "SELECT 1 FROM coverage WHERE item = 'fentry/udp_set_csum' AND reason = 'needs Linux 5.17'")
if [ -n "$early" ]; then
	skip nfs 'before Linux 5.17 what the kernel moves has the names of its threads'
else
	nfs
	[ ! -d "$T/mnt" ] || nfs_nowhere
fi

peer_stop
same nobody_is_unknown "$(sql "SELECT count(*) FROM connections WHERE exe IS NULL")" 0
check_no_losses no_losses
daemon_stop_clean stop
