# SPDX-License-Identifier: GPL-2.0-or-later
# session.sh - sessions of users with a bus, a desktop and our helper, for the tests of what desktops are told; sourced
# behind lib.sh. The desktop is tests/e2e/notification-server, or what the script starts itself.
HERE=$(cd "$(dirname "$0")" && pwd)
[ -x "$BUILD/femtosnitch-notify" ] || skip_all 'femtosnitch-notify was not built: no libnotify'
for tool in dbus-daemon setpriv python3; do
	command -v $tool >/dev/null || skip_all "needs $tool"
done
/usr/bin/python3 -c 'import dbus, gi' 2>/dev/null || skip_all 'needs python3-dbus and python3-gi'

# What runs as a user, in his session. bg_session only with & behind: then $! is the program itself.
in_session() { # NAME UID COMMAND...
	(bg_session "$@")
}
bg_session() {
	session_dir=$T/$1 session_uid=$2
	shift 2
	exec setpriv --reuid="$session_uid" --regid="$session_uid" --clear-groups env \
		DBUS_SESSION_BUS_ADDRESS="$(cat "$session_dir/address")" XDG_RUNTIME_DIR="$session_dir/run" \
		XDG_STATE_HOME="$session_dir/state" HOME="$session_dir" "$@"
}

session_bus() { # NAME UID
	mkdir -p "$T/$1/run" "$T/$1/state"
	chown -R "$2" "$T/$1"
	setpriv --reuid="$2" --regid="$2" --clear-groups dbus-daemon --session --nofork --print-address \
		>"$T/$1/address" 2>/dev/null &
	JOBS="$JOBS $!"
	said "$T/$1/address" unix: || fail "$1" 'no session bus'
}

helper() { # NAME UID
	bg_session "$1" "$2" "$BUILD/femtosnitch-notify" --state-dir "$T/state" 2>>"$T/$1/helper.err" &
	HELPER=$!
	JOBS="$JOBS $!"
}

# Bus, desktop, helper. What the desktop was asked to show is in $T/NAME/shown.
session() { # NAME UID [CAPABILITY...]
	session_name=$1 session_user=$2
	shift 2
	session_bus "$session_name" "$session_user"
	bg_session "$session_name" "$session_user" env CLICK="${CLICK:-}" \
		"$HERE/notification-server" "$T/$session_name/shown" "$@" 2>"$T/$session_name/server.err" &
	JOBS="$JOBS $!"
	sleep 1
	helper "$session_name" "$session_user"
}

shown() { # NAME PATTERN [SECONDS]
	said "$T/$1/shown" "$2" $((${3:-5} * 10))
}

# A program of a user (whom a bus knows) of whom nobody else on this machine has programs: what others do does not take
# bubbles away.
USER=9 # news
as_user() { # NAME BYTES
	[ -e "$T/bin/$1" ] || { copy tcp.tmp tcp && mv "$T/bin/tcp.tmp" "$T/bin/$1"; echo "$1" >>"$T/bin/$1"; }
	in_a setpriv --reuid=$USER --regid=$USER --clear-groups "$T/bin/$1" up $B4 $SINK "$2" >"$T/said/${1#*/}"
}
