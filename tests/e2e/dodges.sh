#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dodges.sh - programs that try to get away: gone after a millisecond on every kind of filesystem, rewritten while they
# are hashed, more of them than anybody remembers. Each has the right SHA-256, or none and a reason; and a
# filesystem can be unmounted while we run.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start
copy spawn spawn

# ---- a life of a millisecond, then unlinked: 200 of 200, wherever the file was

N=200
mount_on() { # KIND DIR
	case $1 in
	tmpfs) mount -t tmpfs -o size=400m none "$2" ;;
	overlay)
		mkdir -p "$T/lower" "$T/upper" "$T/work"
		mount -t overlay -o "lowerdir=$T/lower,upperdir=$T/upper,workdir=$T/work" none "$2"
		;;
	overlay_lower) # programs of the lower layer: another device number than stat says
		mkdir -p "$T/lower2" "$T/upper2" "$T/work2"
		fill "$T/lower2"
		mount -t overlay -o "lowerdir=$T/lower2,upperdir=$T/upper2,workdir=$T/work2" none "$2"
		;;
	*)
		command -v "mkfs.$1" >/dev/null || { echo "needs mkfs.$1" >&2; return 1; }
		truncate -s 600M "$T/$1.img" && "mkfs.$1" -q "$T/$1.img" >/dev/null && mount -o loop "$T/$1.img" "$2"
		;;
	esac
}
fill() { # DIR: N different programs
	i=0
	while [ $i -lt $N ]; do
		cp "$ACTORS/tiny" "$1/p$i" && echo "$1 $i" >>"$1/p$i"
		i=$((i + 1))
	done
}
for kind in ext4 tmpfs overlay overlay_lower btrfs xfs; do
	dir=$T/on_$kind
	mkdir "$dir"
	if ! mount_on $kind "$dir" 2>"$T/said/mount"; then
		skip gone_on_$kind "$(head -n 1 "$T/said/mount")"
		continue
	fi
	[ $kind = overlay_lower ] || fill "$dir"
	sleep 0.5
	(cd "$dir" && sha256sum p*) | awk -v d="$dir/" '{ print d $2, $1 }' | sort >"$T/want"
	in_a "$T/bin/spawn" $N 4 "$dir/p%" $B4 $SINK 10 unlink || fail gone_on_$kind 'the actors failed'
	hashed "$dir/%"
	sql "SELECT DISTINCT exe, sha256 FROM connections WHERE exe LIKE '$dir/%'" | sort >"$T/got"
	same gone_on_$kind "$(comm -12 "$T/want" "$T/got" | wc -l) of $(wc -l <"$T/got")" "$N of $N"
	i=0
	until umount "$dir" 2>"$T/said/umount" || [ $i -ge $((100 * SLOW)) ]; do # others may be watching, too
		i=$((i + 1))
		sleep 0.1
	done
	same unmounted_$kind "$(findmnt -n "$dir")" ''
done

# ---- a user's own filesystem, which may not be anybody else's, root's included: what ran, or a reason

on_fuse() { # NAME [other]
	mkdir "$T/on_$1"
	copy "$1" tcp
	serve a "$1_server" fuse "$T/bin/$1" "$T/on_$1" 65534 ${2:+"$2"} || return
	in_a setpriv --reuid=65534 --regid=65534 --clear-groups "$T/on_$1/program" drip $B4 $SINK 1000 20 >/dev/null || fail "$1" 'the actor failed'
	hashed "$T/on_$1/%"
}
fuse_is() { # NAME
	sql "SELECT DISTINCT CASE sha256 WHEN '$(sha256sum "$T/bin/$1" | cut -d' ' -f1)' THEN 'its hash' ELSE coalesce(sha256, hash_error) END
		FROM connections WHERE exe = '$T/on_$1/program'"
}
if on_fuse fuse_shared other; then same fuse_shared "$(fuse_is fuse_shared)" 'its hash'; fi
if on_fuse fuse_private; then same fuse_private "$(fuse_is fuse_private)" permission; fi
for name in fuse_shared fuse_private; do umount -l "$T/on_$name" 2>/dev/null; done

# ---- rewritten in place as soon as it has run, while it is hashed: what ran, or a reason

copy rewritten tiny
head -c 64M /dev/zero >>"$T/bin/rewritten"
i=1
while [ $i -le 10 ]; do
	echo "$i" >>"$T/bin/rewritten"
	echo "$i $(sha256sum "$T/bin/rewritten" | cut -d' ' -f1)" >>"$T/versions"
	in_a "$T/bin/rewritten" $B4 $SINK $i
	printf '%s' "$i" | dd of="$T/bin/rewritten" conv=notrunc bs=1 seek=$((10000000 + i)) 2>/dev/null
	i=$((i + 1))
done
hashed "$T/bin/rewritten"
wrong=''
while read -r n sum; do
	row=$(sql "SELECT coalesce(sha256, hash_error, 'neither') FROM connections WHERE exe = '$T/bin/rewritten' AND send = $n")
	case $row in
	"$sum" | changed) ;;
	*) wrong="$wrong $n: '$row'" ;;
	esac
done <"$T/versions"
same rewritten_while_hashed "$wrong" ''

# ---- as many different programs as nobody remembers: memory stays, and the next one is hashed all the same

check_no_losses no_losses
COUNT=${MANY:-6000} # the cache holds 2,048; MANY=20000 takes minutes
[ -z "${FAST:-}" ] || COUNT=1000
mkdir "$T/many"
copy many many
began=$(date +%s)
in_a "$T/bin/many" $COUNT "$T/many" "$ACTORS/xdp" >/dev/null 2>&1 || fail many 'the actor failed'
echo "# $COUNT programs in $(($(date +%s) - began)) s"
i=0
while [ $i -lt $((50 * SLOW)) ]; do
	i=$((i + 1))
	memory=$(awk '/^Private_Dirty:/ { print $2 }' "/proc/$(stage_pid hasher)/smaps_rollup")
	[ "$memory" -lt 2048 ] && break
	sleep 0.2
done
echo "# hasher: $memory KiB of its own, $(awk '/^Pss:/ { print $2 }' "/proc/$(stage_pid hasher)/smaps_rollup") KiB PSS"
if [ "$memory" -lt 2048 ]; then ok many_memory; else fail many_memory "hasher: $memory KiB"; fi
copy after_many tiny
in_a "$T/bin/after_many" $B4 $SINK 5
hashed "$T/bin/after_many"
same after_many "$(sql "SELECT sha256, sum(send) FROM connections WHERE exe = '$T/bin/after_many'")" \
	"$(sha256sum "$T/bin/after_many" | cut -d' ' -f1) 5"

# A thousand in a second, two notices each: some may find no room beside what waits, and that is told.
same many_losses "$(sql "SELECT kind, records, bytes, detail FROM losses
	WHERE kind NOT IN ('not watching', 'fanotify read', 'ring full') LIMIT -1 OFFSET $LOSSES")" ''
daemon_stop_clean stop
