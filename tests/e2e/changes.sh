#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# changes.sh - programs that become others while we look and while we do not: what is remembered over a restart,
# and what is said when a known path holds other bytes.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
# Our daemon sees a package database of the test's own.
[ ! -d /var/lib/dpkg ] || daemon_run() {
	unshare --mount --propagation slave sh -c 'mount --bind "$1" /var/lib/dpkg && shift && exec "$@"' sh "$T/dpkg" \
		"$FEMTO" run --config "$T/config.json" --state-dir "$T/state" >>"$T/daemon.log" 2>&1 </dev/null &
	DAEMON=$!
}
mkdir -p "$T/dpkg/info" "$T/dpkg/updates" "$T/dpkg/triggers"
: >"$T/dpkg/status"
: >"$T/dpkg/available"
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

daemon_stop

# ---- a known path with other bytes

N=$((300 / SLOW))
P=$(mktemp -d /opt/femtosnitch-test.XXXXXX) || exit 1
trap 'umount "$P" 2>/dev/null; rm -rf "$P"; rig_end' EXIT
# The root of a virtual machine is an overlay, which tells of no renames before Linux 6.6.
case $(findmnt -no FSTYPE -T "$P") in
overlay) truncate -s 1G "$T/disk.img" && mkfs.ext4 -q "$T/disk.img" && mount -o loop "$T/disk.img" "$P" && rmdir "$P/lost+found" ;;
esac
package() { # VERSION: N programs in $P
	mkdir -p "$T/deb/DEBIAN" "$T/deb$P"
	i=0
	while [ $i -lt $N ]; do
		cp "$ACTORS/udp" "$T/deb$P/p$i" && echo "$1 $i" >>"$T/deb$P/p$i"
		i=$((i + 1))
	done
	chmod 755 "$T/deb$P"
	(cd "$T/deb" && find . -type f -path './opt/*' -printf '%P\n' | xargs md5sum) >"$T/deb/DEBIAN/md5sums"
	printf 'Package: femtosnitch-test\nVersion: %s\nArchitecture: all\nMaintainer: nobody <a@b.c>\nDescription: test\n' \
		"$1" >"$T/deb/DEBIAN/control"
	dpkg-deb -Znone --build "$T/deb" "$T/$1.deb" >/dev/null &&
		dpkg --admindir="$T/dpkg" -i "$T/$1.deb" >"$T/said/dpkg" 2>&1 || fail dpkg "$(cat "$T/said/dpkg")"
}
all_run() { in_a "$T/bin/spawn" $N 4 "$P/p%" up $B4 $SINK 1 10 >/dev/null 2>&1 || fail spawn 'the actors failed'; }
one_runs() { in_a "$1" up $B4 $SINK 1 10 >/dev/null 2>&1 || fail "$1" 'the actor failed'; }
changes() { # WHERE WANT QUERY: wait for the answer
	i=0
	until [ "$(sql "$3")" = "$2" ] || [ $i -ge $((150 * SLOW)) ]; do
		i=$((i + 1))
		sleep 0.1
	done
	same "$1" "$(sql "$3")" "$2"
}
told_names() { # are renames told of?
	case $(uname -r),$(findmnt -no FSTYPE -T "$P") in
	5.*,overlay | 6.[0-5].*,overlay) skip renames 'no ext4 here, and overlays tell of no renames before Linux 6.6' && return 1 ;;
	esac
}
SHELL_EXE=$(readlink /proc/$$/exe)
copy spawn spawn
copy unowned udp
if command -v dpkg-deb >/dev/null && [ -d /var/lib/dpkg ]; then
	package 1.0
	daemon_start
	all_run
	one_runs "$T/bin/unowned"
	hashed
	old=$(sha "$P/p7")
	changes packages "$N femtosnitch-test 1.0 dpkg yes" "SELECT count(*), package, package_version, package_manager, explained
		FROM programs WHERE exe LIKE '$P/p%' GROUP BY 2, 3, 4, 5"
	changes nothing_changed 0 "SELECT count(*) FROM changes WHERE exe LIKE '$P/%'"

	package 2.0
	DPKG=$(readlink -f "$(command -v dpkg)")
	told_names && changes raised_by_its_run "modified $N $N $DPKG 1" "SELECT kind, count(*), members, writer, count(DISTINCT event)
		FROM changes WHERE exe LIKE '$P/%' GROUP BY 1, 3, 4"
	all_run
	changes one_run_one_event "changed $N $N femtosnitch-test 2.0 yes 1" "SELECT kind, count(*), members, package,
		package_version, explained, count(DISTINCT event) FROM changes WHERE exe LIKE '$P/%' AND kind = 'changed'
		GROUP BY 1, 3, 4, 5, 6"
	same one_event_before_and_after "$(sql "SELECT count(DISTINCT event) FROM changes WHERE exe LIKE '$P/%'")" 1
	same hashes_of_a_change "$(sql "SELECT old_sha256, sha256 FROM changes WHERE exe = '$P/p7' AND kind = 'changed'")" "$old $(sha "$P/p7")"

	old=$(sha "$P/p0")
	echo tampered >>"$P/p0"
	changes raised "modified $old   $SHELL_EXE" "SELECT kind, old_sha256, sha256, explained, writer FROM changes
		WHERE exe = '$P/p0' AND kind = 'modified' AND writer IS NOT '$DPKG'"
	one_runs "$P/p0"
	changes confirmed "changed $old $(sha "$P/p0") no 1" "SELECT kind, old_sha256, sha256, explained,
		event = (SELECT max(event) FROM changes WHERE exe = '$P/p0' AND kind = 'modified')
		FROM changes WHERE exe = '$P/p0' AND explained = 'no' AND kind = 'changed'"
	old=$(sha "$P/p1")
	cp "$ACTORS/udp" "$P/new" && echo other >>"$P/new" && mv "$P/new" "$P/p1"
	told_names && changes renamed_raised "modified $old $(readlink -f "$(command -v mv)")" "SELECT kind, old_sha256, writer FROM changes WHERE exe = '$P/p1' AND kind = 'modified' AND writer IS NOT '$DPKG'"
	mv "$P/p3" "$P/away" && mv "$P/away" "$P/p3" # what comes back is no other
	one_runs "$P/p1"
	changes renamed_over "no 1 $(sha "$P/p1")" "SELECT explained, members, sha256 FROM changes
		WHERE exe = '$P/p1' AND explained = 'no'"
	old=$(sha "$T/bin/unowned")
	cp "$ACTORS/udp" "$T/new" && echo other >>"$T/new" && mv "$T/new" "$T/bin/unowned"
	one_runs "$T/bin/unowned"
	changes unowned "changed $old $(sha "$T/bin/unowned")   " "SELECT kind, old_sha256, sha256, package, explained, container
		FROM changes WHERE exe = '$T/bin/unowned' AND kind = 'changed'"

	# Another root with the same path: another file, no change.
	cp "$ACTORS/tiny" "$T/elsewhere" && echo elsewhere >>"$T/elsewhere"
	mkdir "$T/root"
	in_a unshare --mount sh -c "mount -t tmpfs none '$T/root' && mkdir -p '$T/root$P' '$T/root/old' &&
		cp '$T/elsewhere' '$T/root$P/p2' && cd '$T/root' && pivot_root . old && cd / && exec '$P/p2' $B4 $SINK 77"
	one_runs "$P/p2"
	hashed
	same same_path_elsewhere "$(sql "SELECT sum(send), min(sha256 = '$(sha "$T/elsewhere")' OR sha256 IS NULL AND
		hash_error IS NOT NULL) FROM connections WHERE exe = '$P/p2' AND send = 77")" '77 1'
	sleep 1
	same same_path_is_no_change "$(sql "SELECT count(*) FROM changes WHERE exe = '$P/p2' AND kind = 'changed'")" 1
	same nothing_else_changed "$(sql "SELECT count(*) FROM changes WHERE exe LIKE '$P/%' AND kind = 'changed'")" $((N + 2))
	told_names && same nothing_else_modified "$(sql "SELECT count(*) FROM changes WHERE exe LIKE '$P/%' AND kind = 'modified'")" $((N + 2))
else
	skip packages 'no dpkg here'
	daemon_start
fi

check_no_losses no_losses
daemon_stop_clean stop
