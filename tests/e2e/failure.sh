#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# failure.sh - whatever breaks ends in a clear message and an exit, or in a degraded mode that says so. What was
# committed stays, what was not seen is a row in losses, and nothing stays behind in the kernel.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start

log_says() { # NAME PATTERN
	if grep -qi -e "$2" "$T/daemon.log"; then ok "$1"; else
		fail "$1" "no '$2' in: $(tail -n 4 "$T/daemon.log")"
	fi
}

# Send 1000 bytes as a program of its own and have them committed.
traffic() { # NAME
	act "$1" udp up $B4 $SINK 10 100 && flush
}

losses() { sql "SELECT count(*) FROM losses WHERE kind = '$1'"; }

# Everything that belonged to the daemon is gone: processes and kernel objects.
nothing_left() { # NAME (with $T/pids and $T/objects of before)
	left=''
	for pid in $(cat "$T/pids"); do gone "$pid" 60 || left="$left $pid"; done
	same "$1_no_process_left" "$left" ''
	same "$1_nothing_left_in_kernel" "$(kernel_left "$T/objects")" ''
}

remember() {
	stage_pids >"$T/pids"
	kernel_objects >"$T/objects"
}

# Wait for the end of the daemon and take its exit code.
ended() { # NAME CODE
	gone "$DAEMON" 100 || fail "$1_exit" 'still running'
	wait "$DAEMON"
	same "$1_exit" $? "$2"
	DAEMON=''
}

# ---- each stage is killed; then the supervisor

gaps=0
for stage in collector hasher store; do
	daemon_start
	traffic before_$stage
	remember
	kill -KILL "$(stage_pid $stage)"
	ended killed_$stage 1
	log_says killed_${stage}_says "femtosnitch-$stage.*killed by signal 9"
	nothing_left killed_$stage
	daemon_start
	traffic after_$stage
	check_sum before_$stage
	check_sum after_$stage
	gaps=$((gaps + 1))
	same killed_${stage}_gap "$(losses 'not watching')" $gaps
	daemon_stop
	gaps=$((gaps + 1))
done
daemon_start
traffic before_supervisor
remember
kill -KILL $DAEMON
wait $DAEMON 2>/dev/null
DAEMON=''
nothing_left killed_supervisor
daemon_start
check_sum before_supervisor
same gap_times "$(sql "SELECT count(*) FROM losses WHERE kind = 'not watching' AND unix_to < unix_from")" 0

# ---- a second instance: refused in the same directory, welcome in another

"$FEMTO" run --config "$T/config.json" --state-dir "$T/state" >"$T/second" 2>&1
same second_exit $? 1
same second_says "$(grep -c "already running with pid $DAEMON" "$T/second")" 1
first=$DAEMON
"$FEMTO" run --config "$T/config.json" --state-dir "$T/state2" >"$T/second" 2>&1 &
second=$!
JOBS="$JOBS $second"
if said "$T/second" 'femtosnitch: ready' 200; then ok second_directory; else fail second_directory "$(tail -n 3 "$T/second")"; fi
act twice udp up $B4 $SINK 10 100
flush
check_sum twice
"$FEMTO" query --now --state-dir "$T/state2" --csv "SELECT 1" >/dev/null
same twice_in_both "$(sqlite3 -readonly "$T/state2/snitch.db" "SELECT sum(send) FROM connections WHERE exe = '$T/bin/twice'")" 1000
kill -TERM $second
gone $second 50 || fail second_stop 'still running'
DAEMON=$first

# ---- the database: locked, corrupt, newer, on a full disk, read-only

mkfifo "$T/lock"
sqlite3 "$DB" <"$T/lock" >"$T/locked" 2>&1 &
locker=$!
JOBS="$JOBS $locker"
exec 7>"$T/lock"
echo "BEGIN IMMEDIATE; SELECT 'locked';" >&7
said "$T/locked" locked
act while_locked udp up $B4 $SINK 10 100
sleep 4
exec 7>&-
gone $locker 20
flush
check_sum while_locked
same locked_lost_nothing "$(sql "SELECT count(*) FROM losses WHERE kind = 'store'")" 0

# Frozen for seconds, as by a suspend: the kernel goes on counting.
act frozen_before udp up $B4 $SINK 10 100
kill -STOP $(stage_pids | tail -n +2)
act frozen udp up $B4 $SINK 1000 100
act frozen_tcp tcp down $B4 $SOURCE 1m
sleep 3
kill -CONT $(stage_pids | tail -n +2)
flush
check_sum frozen
check_sum frozen_tcp

# Stop in the middle of traffic: fast, and everything until then is there.
act_later busy hot connected $B4 $SINK 2 20000000 64
sleep 0.5
kill -KILL $! 2>/dev/null
wait $! 2>/dev/null
act_later busy2 tcp drip $B4 $SINK 1000 500
sleep 0.3
daemon_stop_clean stop_busy

cp "$DB" "$T/good.db"
printf 'garbage garbage garbage garbage garbage garbage garbage garbage' |
	dd of="$DB" bs=1 seek=0 conv=notrunc 2>/dev/null
rm -f "$DB-wal" "$DB-shm"
daemon_start
traffic after_corrupt
check_sum after_corrupt
same corrupt_kept "$(ls "$T"/state/snitch.db.corrupt* 2>/dev/null | grep -vc -e -wal -e -shm)" 1
log_says corrupt_says corrupt
same corrupt_is_a_loss "$(sql "SELECT count(*) FROM losses WHERE kind = 'store'")" 1
daemon_stop

sqlite3 "$DB" 'PRAGMA user_version = 99' && sqlite3 "$DB" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
sum=$(sha256sum <"$DB")
daemon_config
: >"$T/daemon.log"
daemon_run
ended newer 2
log_says newer_says 'newer'
same newer_untouched "$(sha256sum <"$DB")" "$sum"
rm -f "$DB"*

umount_state() { umount "$T/state" || umount -l "$T/state"; }
rm -rf "$T/state" && mkdir "$T/state"
mount -t tmpfs -o size=3m,mode=755 none "$T/state"
daemon_start
traffic disk_before
dd if=/dev/zero of="$T/state/filler" bs=4k 2>/dev/null
act disk_full udp fan $B4 20000 500 100
sleep 3
same full_disk_runs "$(kill -0 $DAEMON && echo yes)" yes
log_says full_disk_says 'disk\|space\|full'
"$FEMTO" status --state-dir "$T/state" >"$T/status" 2>&1
same full_disk_status "$(grep -c '^last message store: .*cannot be written' "$T/status")" 1
same full_disk_not_endless "$(($(grep -ci 'disk\|space\|full' "$T/daemon.log") < 10))" 1
rm "$T/state/filler"
sleep 2
traffic disk_after
flush
check_sum disk_before
check_sum disk_after
lost=$(sql "SELECT coalesce(sum(bytes), 0) FROM losses WHERE kind = 'store'")
got=$(row_sum "$T/bin/disk_full")
same full_disk_accounted "$((${got% *} + lost)) 0" "$(moved disk_full)"
daemon_stop_clean full_disk_stop
umount_state

mount -t tmpfs -o size=3m,ro none "$T/state"
: >"$T/daemon.log"
daemon_run
ended read_only 1
log_says read_only_says 'read-only'
umount_state

# ---- the machine lacks something

# Run the daemon in a mount namespace prepared by a command.
crippled() { # COMMAND
	: >"$T/daemon.log"
	rm -rf "$T/state"
	(exec unshare --mount --propagation private sh -c \
		"$1 && exec '$FEMTO' run --config '$T/config.json' --state-dir '$T/state'" >>"$T/daemon.log" 2>&1 </dev/null) &
	DAEMON=$!
}

mkdir -p "$T/empty"
crippled "mount --bind '$T/empty' /sys/kernel/btf"
gone $DAEMON 100
ended no_btf 1
log_says no_btf_says BTF

crippled "grep ' - cgroup2 ' /proc/self/mountinfo | cut -d' ' -f5 | xargs -r -n1 umount -l"
if said "$T/daemon.log" 'femtosnitch: ready' 150; then
	act no_cgroup tcp up $B4 $SINK 10000
	act no_cgroup_peers udp to $B4 $SINK 30 100 && flush
	check_sum no_cgroup
	check_sum no_cgroup_peers
	# It may find a cgroup v2 of its own; what it then does not see, it must have said.
	if grep -q 'NOT PROVEN.*cgroup' "$T/daemon.log"; then
		same no_cgroup_is_a_loss "$(sql "SELECT count(*) > 0 FROM losses WHERE kind = 'hook'")" 1
	else
		same no_cgroup_has_peers "$(sql "SELECT count(DISTINCT rport) FROM connections
			WHERE exe = '$T/bin/no_cgroup_peers' AND raddr = '$B4'")" 3
	fi
	daemon_stop_clean no_cgroup_stop
else
	ended no_cgroup 1
	log_says no_cgroup_says 'cgroup'
fi

if command -v capsh >/dev/null; then
	rm -rf "$T/state"
	: >"$T/daemon.log"
	(exec capsh --drop=cap_sys_admin --shell="$FEMTO" -- run --config "$T/config.json" --state-dir "$T/state" \
		>>"$T/daemon.log" 2>&1 </dev/null) &
	DAEMON=$!
	if said "$T/daemon.log" 'femtosnitch: ready' 150; then
		log_says no_fanotify_says 'NOT PROVEN.*fanotify\|fanotify.*NOT PROVEN'
		traffic no_fanotify
		check_sum no_fanotify
		same no_fanotify_is_a_loss "$(sql "SELECT count(*) > 0 FROM losses WHERE kind = 'hook'")" 1
		daemon_stop
	else
		ended no_fanotify 1
		log_says no_fanotify_says 'fanotify\|CAP_\|permitted\|privilege'
	fi
else
	skip no_fanotify 'needs capsh'
fi

# ---- settings

printf '{ "DB write limit (seconds)": "soon" }\n' >"$T/config.json"
: >"$T/daemon.log"
daemon_run
ended bad_config 2
log_says bad_config_says 'config.json:1.*DB write limit'
daemon_config

skip clock_jump 'would set the clock of this machine'
