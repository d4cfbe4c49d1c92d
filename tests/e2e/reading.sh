#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# reading.sh - a person in the group opens snitch.db with sqlite3 whether the daemon runs, was stopped or was
# killed; a person who is not gets no byte of it, but the name of the group.
. "$(dirname "$0")/lib.sh"
rig_start
command -v setpriv >/dev/null || skip_all 'needs setpriv'
peer_start
daemon_start

# uid 65534 with the group of the log, or with another one
group=$(stat -c %g "$T/state")
other=64123
member() { setpriv --reuid=65534 --regid=65534 --groups="$group" "$@"; }
stranger() { setpriv --reuid=65534 --regid=$other --clear-groups "$@"; }
total="SELECT sum(send) FROM connections WHERE exe = '$T/bin/writer'"

reads() { # NAME WANT
	same "$1" "$(member sqlite3 -readonly -cmd '.timeout 3000' "$DB" "$total" 2>&1)" "$2"
	same "$1_plain_open" "$(member sqlite3 -cmd '.timeout 3000' "$DB" "$total" 2>&1)" "$2"
	same "$1_query" "$(member "$FEMTO" query --state-dir "$T/state" --csv "$total" 2>&1 | tail -n 1 | tr -d '\r')" "$2"
}

act writer udp up $B4 $SINK 10 100
flush
same modes "$(stat -c %a "$T/state" "$DB" "$DB-wal" "$DB-shm" | tr '\n' ' ')" '750 640 640 640 '
same one_owner "$(stat -c %u:%g "$T/state" "$DB" "$DB-wal" "$DB-shm" | sort -u | wc -l)" 1
reads up 1000

before=$(sql 'SELECT count(*) FROM connections')
member sqlite3 "$DB" 'DELETE FROM flow' >/dev/null 2>&1 && fail member_cannot_write 'it could'
same member_cannot_write "$(sql 'SELECT count(*) FROM connections')" "$before"
same stranger_cannot_read "$(stranger sqlite3 -readonly "$DB" "$total" 2>/dev/null)" ''
stranger "$FEMTO" query --state-dir "$T/state" top >"$T/stranger" 2>&1
same stranger_exit $? 1
case $(cat "$T/stranger") in
*usermod*group* | *group*usermod*) ok stranger_is_told ;;
*) fail stranger_is_told "$(cat "$T/stranger")" ;;
esac

# A reader that stays in a transaction must not keep the daemon from writing.
mkfifo "$T/hold"
member sqlite3 -readonly "$DB" <"$T/hold" >"$T/held" 2>&1 &
JOBS="$JOBS $!"
exec 7>"$T/hold"
echo "BEGIN; $total;" >&7
said "$T/held" 1000
act writer udp up $B4 $SINK 10 100
flush
reads while_a_reader_holds 2000
exec 7>&-

daemon_stop_clean stop
reads stopped 2000
same kept_wal "$(ls "$DB-wal" "$DB-shm" 2>/dev/null | wc -l)" 2

daemon_start
act writer udp up $B4 $SINK 10 100
flush
stage_pids >"$T/pids"
kill -KILL $(cat "$T/pids")
for pid in $(cat "$T/pids"); do gone "$pid" 50; done
DAEMON=''
reads killed 3000
daemon_start
reads up_again 3000
daemon_stop_clean stop_again
