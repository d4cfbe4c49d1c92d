#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# desktop.sh - bubbles: from a program's first packet to the session bus of whoever may know, once, few at a time,
# nothing lost while nobody looks; a stage of it that dies costs nothing. The desktop is tests/e2e/notification-server.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/session.sh"
rig_start
peer_start
daemon_config
sed -i 's/"Desktop notifications": false/"Desktop notifications": true/' "$T/config.json"

daemon_start
chmod 755 "$T/state" # other users reach the socket, as in /run/femtosnitch
session other 10 body
CLICK=mute:clicked
session desk $USER body-markup actions
USERS_HELPER=$HELPER

date +%s.%N >"$T/begin"
as_user bubble 1000
if shown desk '"title": "New on the network: bubble"'; then ok bubble; else fail bubble "$(cat "$T/desk/shown" "$T/desk/helper.err")"; fi
/usr/bin/python3 - "$T" <<-'P'
	import json, sys
	t = sys.argv[1]
	came = [json.loads(l)["time"] for l in open(t + "/desk/shown") if "bubble" in l]
	print("     from start of the program to its bubble: %.2f s" % (came[0] - float(open(t + "/begin").read())))
P
same actions "$(grep -c '"actions": \["ack", "Known", "mute", "Mute this program"\]' "$T/desk/shown")" 1
as_user clicked 1000 # he mutes it with a click, for himself
shown desk clicked
i=0
until [ "$(sql "SELECT uid, muted FROM acknowledged")" = "$USER 1" ] || [ $i -ge 30 ]; do
	i=$((i + 1))
	sleep 0.1
done
same muted_by_click "$(sql "SELECT exe, uid, muted FROM acknowledged")" "$T/bin/clicked $USER 1"
echo other >>"$T/bin/clicked"
as_user clicked 1000
sleep 3
same no_more_of_it "$(grep -c 'bin/clicked' "$T/desk/shown")" 1

# hostile: markup is escaped where the server knows it
as_user '<b>&x' 1000
if shown desk 'bin/&lt;b&gt;&amp;x'; then ok markup; else fail markup "$(tail -n 1 "$T/desk/shown")"; fi

# many at once
for n in $(seq 60); do as_user flood$n 10; done
sleep 4
new=$(grep -c '"again": false' "$T/desk/shown")
if [ "$new" -le 9 ]; then ok few_bubbles; else fail few_bubbles "$new bubbles"; fi
if shown desk '"title": "[0-9]* more on the network"' 5; then ok shared_bubble; else fail shared_bubble "$(tail -n 3 "$T/desk/shown")"; fi
same all_in_exe_log "$(grep -c "$T/bin/flood[0-9]* (new name, exe)" "$T/state/exe.log")" 60
same not_for_others "$(cat "$T/other/shown" 2>/dev/null)" ''

# the system's side dies: it comes back, and so does the helper; logging goes on
kill -KILL "$(stage_pid notices)"
sleep 11 # long enough for a bubble of its own
as_user after_death 1000
flush
same one_more_row "$(row_sum "$T/bin/after_death")" "$(moved after_death)"
if shown desk 'after_death' 20; then ok told_after_death; else fail told_after_death "$(tail -n 3 "$T/desk/shown")"; fi
if said "$T/state/error.log" 'femtosnitch-notices was killed by signal 9'; then ok death_is_said; else fail death_is_said "$(cat "$T/state/error.log")"; fi

# nobody looks: one summary at the next login
kill -TERM $USERS_HELPER
sleep 1
before=$(wc -l <"$T/desk/shown")
for n in 1 2 3 4 5; do as_user away$n 10; done
sleep 2
same nobody_is_told "$(wc -l <"$T/desk/shown")" "$before"
helper desk $USER
sleep 4
same one_summary "$(tail -n +$((before + 1)) "$T/desk/shown" | grep -c 'programs new or changed while nobody looked')" 1
in_session desk $USER "$BUILD/femtosnitch-notify" --test --state-dir "$T/state" >"$T/test"
same notify_test "$(grep -c '^ok' "$T/test")" 3
DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere XDG_RUNTIME_DIR=$T/said \
	"$BUILD/femtosnitch-notify" --test --state-dir "$T/nowhere" >"$T/test" 2>&1
same notify_test_broken "$(grep -c '^BAD' "$T/test")" 3
peer_stop
daemon_stop_clean stop
