#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# bubbles.sh - what stands on the screen: a package run is one bubble, what no package explains is urgent, details open
# where they can; each user is told his own; desktops that can little; and a flood of 5,000 new programs on a real one
# (dunst, under Xvfb).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/session.sh"
USER=7 OTHER=5 # lp, games: no other test tells them anything
rig_start
peer_start
daemon_config
sed -i 's/"Desktop notifications": false/"Desktop notifications": true/' "$T/config.json"

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
chmod 755 "$T/state" # other users reach the socket, as in /run/femtosnitch

# ---- two users: each is told his own, by desktops of different skill

# His terminal writes down what it was asked to show.
printf '#!/bin/sh\nprintf "%%s\\n" "$@" >"%s"\n' "$T/desk/terminal.args" >"$T/bin/terminal"
chmod 755 "$T/bin/terminal"
export DISPLAY=:none TERMINAL="$T/bin/terminal"
CLICK=details:curious
session desk $USER body-markup actions
unset DISPLAY TERMINAL
CLICK=
session bare $OTHER body
as_user mine 10
USER=$OTHER as_user '<i>theirs' 10
if shown desk 'New on the network: mine' && shown bare 'New on the network: <i>theirs'; then ok each_his_own
else fail each_his_own "$(cat "$T/desk/shown" "$T/bare/shown")"; fi
same not_the_others "$(grep -c theirs "$T/desk/shown"; grep -c mine "$T/bare/shown")" '0
0'
same no_buttons_where_none_are "$(grep -c '"actions": \[\]' "$T/bare/shown")" "$(wc -l <"$T/bare/shown")"
same no_markup_where_none_is "$(grep -c 'bin/.u2039i.u203atheirs' "$T/bare/shown")" 1
as_user curious 10
if shown desk curious && said "$T/desk/terminal.args" "$T/bin/curious" 50; then ok details; else fail details "$(cat "$T/desk/shown" "$T/desk/helper.err")"; fi
same details_by_argument "$(tail -n 2 "$T/desk/terminal.args" | tr '\n' ' ')" "why $T/bin/curious "
same details_offered "$(grep -c '"details", "Details"' "$T/desk/shown")" "$(grep -c '"again": false' "$T/desk/shown")"

# ---- packages: one bubble for what came together

N=12
P=$(mktemp -d /opt/femtosnitch-test.XXXXXX) || exit 1
trap 'rm -rf "$P"; rig_end' EXIT
package() { # VERSION: N programs in $P
	mkdir -p "$T/deb/DEBIAN" "$T/deb$P"
	for n in $(seq $N); do cp "$ACTORS/tcp" "$T/deb$P/p$n" && echo "$1 $n" >>"$T/deb$P/p$n"; done
	chmod 755 "$T/deb$P"
	(cd "$T/deb" && find . -type f -path './opt/*' -printf '%P\n' | xargs md5sum) >"$T/deb/DEBIAN/md5sums"
	printf 'Package: femtosnitch-test\nVersion: %s\nArchitecture: all\nMaintainer: nobody <a@b.c>\nDescription: test\n' \
		"$1" >"$T/deb/DEBIAN/control"
	dpkg-deb -Znone --build "$T/deb" "$T/$1.deb" >/dev/null &&
		dpkg --admindir="$T/dpkg" -i "$T/$1.deb" >"$T/said/dpkg" 2>&1 || fail dpkg "$(cat "$T/said/dpkg")"
}
his() { in_a setpriv --reuid=$USER --regid=$USER --clear-groups "$1" up $B4 $SINK 10 >/dev/null; }
if command -v dpkg-deb >/dev/null && [ -d /var/lib/dpkg ]; then
	package 1.0
	for n in $(seq $N); do his "$P/p$n"; done
	hashed
	package 2.0
	for n in $(seq $N); do his "$P/p$n"; done
	if shown desk "\"body\": \"$N programs have new contents, all as the package brought them.\"" 60; then ok package_run
	else fail package_run "$(tail -n 5 "$T/desk/shown")"; fi
	same package_run_is_one_bubble "$(grep 'dpkg updated femtosnitch-test 2.0' "$T/desk/shown" | grep -c '"again": false')" 1
	same package_run_is_not_urgent "$(grep 'dpkg updated' "$T/desk/shown" | grep -vc '"urgency": 0')" 0
	echo tampered >>"$P/p3"
	his "$P/p3"
	if shown desk 'Its contents are not those that its package (femtosnitch-test 2.0) brought' 60; then ok tampered
	else fail tampered "$(tail -n 2 "$T/desk/shown")"; fi
	same tampered_is_urgent "$(grep 'femtosnitch-test 2.0) brought' "$T/desk/shown" | grep -vc '"urgency": 2')" 0
else
	skip package_run 'no dpkg here'
fi
echo more >>"$T/bin/mine"
as_user mine 10
if shown desk 'no package brought them' 60; then ok nobodys_change; else fail nobodys_change "$(tail -n 2 "$T/desk/shown")"; fi
same nobodys_change_is_urgent "$(grep 'no package brought them' "$T/desk/shown" | grep -vc '"urgency": 2')" 0

# ---- the daemon restarts under a helper that is connected

daemon_stop
daemon_start
chmod 755 "$T/state"
as_user after_restart 10
if shown desk 'after_restart' 20; then ok after_restart; else fail after_restart "$(tail -n 2 "$T/desk/shown")"; fi

# ---- no bus

DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere XDG_RUNTIME_DIR=$T/said timeout 10 "$BUILD/femtosnitch-notify" \
	--state-dir "$T/state" 2>"$T/said/no_bus"
same no_bus "$? $(grep -c 'the session bus cannot be reached' "$T/said/no_bus")" '1 1'

# ---- 5,000 new programs on a real desktop

if command -v dunst >/dev/null && command -v Xvfb >/dev/null && command -v dunstctl >/dev/null; then
	FLOOD=5000
	[ -z "${FAST:-}" ] || FLOOD=500
	USER=13 # proxy
	session_bus real $USER
	Xvfb :$((100 + $$ % 900)) -ac -screen 0 800x600x24 -nolisten tcp >/dev/null 2>&1 &
	JOBS="$JOBS $!"
	sleep 2
	bg_session real $USER env DISPLAY=:$((100 + $$ % 900)) dunst >"$T/real/dunst.log" 2>&1 &
	JOBS="$JOBS $!"
	bg_session real $USER dbus-monitor "interface='org.freedesktop.Notifications',member='Notify'" >"$T/real/calls" 2>/dev/null &
	JOBS="$JOBS $!"
	sleep 1
	helper real $USER
	copy spawn spawn
	copy flooder tcp
	chmod 755 "$T/bin"
	for n in $(seq 0 $((FLOOD - 1))); do ln "$T/bin/flooder" "$T/bin/f$n"; done
	begun=$(date +%s)
	in_a setpriv --reuid=$USER --regid=$USER --clear-groups "$T/bin/spawn" $FLOOD 4 "$T/bin/f%" up $B4 $SINK 1 >/dev/null
	took=$(($(date +%s) - begun))
	i=0
	until [ "$(grep -c "$T/bin/f[0-9]* (new name, exe)" "$T/state/exe.log")" -ge $FLOOD ] || [ $i -ge $((30 * SLOW)) ]; do
		i=$((i + 1))
		sleep 1
	done
	same flood_exe_log "$(grep -c "$T/bin/f[0-9]* (new name, exe)" "$T/state/exe.log")" $FLOOD
	same flood_told "$(sql "SELECT count(*) FROM notices WHERE exe LIKE '$T/bin/f%' AND outcome = 'told' AND kind = 'new'
		AND name <> 'flooder'")" $FLOOD
	sleep 4
	# the second argument of a call: the bubble that it replaces
	bubbles=$(awk '/member=Notify/ { at = 0; next } /^ *(string|uint32)/ && ++at == 2 && /uint32 0$/ { n++ } END { print n + 0 }' "$T/real/calls")
	calls=$(grep -c member=Notify "$T/real/calls")
	most=$((3 + 1 + took / 10 + 2))
	if [ "$bubbles" -ge 1 ] && [ "$bubbles" -le $most ]; then ok flood_is_a_handful; else fail flood_is_a_handful "$bubbles bubbles, at most $most"; fi
	if [ "$calls" -le $((most + 10 + (took + 10) / 2)) ]; then ok flood_of_calls; else fail flood_of_calls "$calls calls"; fi
	echo "     $FLOOD new programs in $took s: $bubbles bubbles, $calls calls"
	if in_session real $USER dunstctl count | grep -q 'Currently displayed: *[1-9]'; then ok flood_stands_on_the_screen
	else fail flood_stands_on_the_screen "$(in_session real $USER dunstctl count; cat "$T/real/dunst.log")"; fi
else
	skip flood 'needs dunst and Xvfb'
fi
peer_stop
daemon_stop_clean stop
