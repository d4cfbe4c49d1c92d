#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# changes.sh - programs that become others while we look and while we do not: what is remembered over a restart,
# and what is said when a known path holds other bytes.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start

sha() { sha256sum "$1" | cut -d' ' -f1; }
run() { in_a "$@" $B4 $SINK 1 || fail "${1##*/}" 'the actor failed'; }
bytes_read() { sed -n 's/^rchar: //p' "/proc/$(stage_pid hasher)/io"; }
hash_of() { # EXE -> the hashes of its rows, the newest last
	sql "SELECT sha256 FROM connections WHERE exe = '$1' GROUP BY 1 ORDER BY max(contime)" | tr '\n' ' '
}

# ---- remembered over a restart, and never where it could be wrong

SIZE=4 COUNT=20 # MB each
big() { # NAME...
	for big_name in "$@"; do
		copy "$big_name" tiny
		head -c ${SIZE}M /dev/zero >>"$T/bin/$big_name"
	done
}
names=$(i=0; while [ $i -lt $COUNT ]; do echo kept$i; i=$((i + 1)); done)
big $names offline_in_place offline_renamed offline_touched
sleep 0.1
for name in $names offline_in_place offline_renamed offline_touched; do run "$T/bin/$name"; done
hashed
before=$(bytes_read)
daemon_stop
printf X | dd of="$T/bin/offline_in_place" conv=notrunc bs=1 seek=5000000 2>/dev/null
touch -d @1000000000 "$T/bin/offline_in_place"
cp "$T/bin/offline_renamed" "$T/new" && echo more >>"$T/new" && mv "$T/new" "$T/bin/offline_renamed"
touch "$T/bin/offline_touched"
daemon_start
for name in $names; do run "$T/bin/$name"; done
hashed
after=$(bytes_read)
case $(findmnt -no FSTYPE,OPTIONS -T "$T") in
*nosuid*) skip kept_over_restart 'this directory is mounted nosuid' ;;
ext4* | btrfs* | xfs* | f2fs*)
	if [ "$before" -gt $((COUNT * SIZE * 1000000)) ] && [ "$after" -lt $((before / 5)) ]; then
		ok kept_over_restart
	else
		fail kept_over_restart "read $before bytes before the restart, $after after it"
	fi ;;
*) skip kept_over_restart 'this filesystem has no generations' ;;
esac
for name in offline_in_place offline_renamed offline_touched; do run "$T/bin/$name"; done
hashed
wrong=''
for name in $names offline_touched; do
	[ "$(hash_of "$T/bin/$name")" = "$(sha "$T/bin/$name") " ] || wrong="$wrong $name"
done
for name in offline_in_place offline_renamed; do
	case "$(hash_of "$T/bin/$name")" in *" $(sha "$T/bin/$name") ") ;; *) wrong="$wrong $name" ;; esac
done
same kept_hashes_right "$wrong" ''
same kept_file_is_private "$(stat -c %a "$T/state/hashes")" 600

check_no_losses no_losses
daemon_stop_clean stop
