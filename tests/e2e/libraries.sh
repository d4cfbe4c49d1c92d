#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# libraries.sh - what else is in a program that uses the network: the files that are mapped to be executed, as they
# are and not as what has their name now, and memory that is of no file; each distinct set once.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start

sha() { sha256sum "$1" | cut -d' ' -f1; }
LIBC=$(ldd "$ACTORS/tcp" | sed -n 's/.* => \(.*libc\.so[^ ]*\) .*/\1/p')
LIBC=$(readlink -f "$LIBC")

libraries() { # NAME COLUMNS WANT [WHERE]
	same "$1" "$(sql "SELECT DISTINCT $2 FROM libraries WHERE exe = '$T/bin/$1' AND (${4:-1}) ORDER BY 1" | tr '\n' ';')" "$3"
}

# Each sends half, waits for a line, and sends the rest: it is there to be looked at.
held() { # NAME [ENV...]
	held_name=$1
	copy "$1" tcp
	mkfifo "$T/go_$1"
	shift
	bg_a env "$@" "$T/bin/$held_name" hold $B4 $SINK 1000 <"$T/go_$held_name" >"$T/said/$held_name" 2>&1 &
	JOBS="$JOBS $!"
	eval "exec 9>'$T/go_$held_name'"
	said "$T/said/$held_name" half || fail "$held_name" 'the actor failed'
}

looked() { # NAME: wait until its set is there
	i=0
	flush
	while [ $i -lt $((50 * SLOW)) ] && [ "$(sql "SELECT count(*) FROM libraries WHERE exe = '$T/bin/$1'")" = 0 ]; do
		i=$((i + 1))
		sleep 0.1
		flush
	done
	echo >&9
}

held plain
looked plain
held again
looked again
cp "$LIBC" "$T/extra.so" && echo more >>"$T/extra.so"
extra=$(sha "$T/extra.so")
held preloaded LD_PRELOAD="$T/extra.so"
looked preloaded
in_python() { # NAME BODY: runs it, then sends, and stays to be looked at
	printf 'import ctypes, mmap, os, socket, time\n%s\ns = socket.create_connection(("%s", %s))\ns.send(b"x")\ntime.sleep(5)\n' \
		"$2" $B4 $SINK >"$T/$1.py"
	in_a python3 "$T/$1.py" &
	JOBS="$JOBS $!"
	i=0
	while [ $i -lt $((50 * SLOW)) ] && [ "$(sql "SELECT count(*) FROM libraries WHERE cmdline LIKE '%$T/$1.py'")" = 0 ]; do
		i=$((i + 1))
		sleep 0.1
		flush
	done
}
if command -v python3 >/dev/null; then
	in_python anonymous 'm = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)'
	in_python deleted "ctypes.CDLL('$T/extra.so'); os.unlink('$T/extra.so'); open('$T/extra.so', 'w').write('other')"
	in_python memfd "f = os.memfd_create('x'); os.write(f, b'x' * 4096)
m = mmap.mmap(f, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)"
	for name in anonymous deleted memfd; do
		same $name "$(sql "SELECT DISTINCT flags FROM libraries WHERE cmdline LIKE '%$T/$name.py'")" $name
	done
	for name in anonymous deleted; do # with the rows, which may have been there before it was looked
		same ${name}_connection "$(sql "SELECT DISTINCT coalesce(flags, '-') FROM connections WHERE cmdline LIKE '%$T/$name.py' AND lport > 0")" \
			"$(echo $name | sed 's/deleted/-/')"
	done
	same deleted_hash "$(sql "SELECT DISTINCT sha256 FROM libraries WHERE path = '$T/extra.so' AND flags = 'deleted'")" "$extra"
else
	skip anonymous 'no python3 on this machine'
fi
copy static tiny
in_a "$T/bin/static" $B4 $SINK 1

libraries plain 'sha256' "$(sha "$LIBC");" "path = '$LIBC'"
libraries plain 'flags IS NULL, count(*) > 1, sum(sha256 IS NULL)' '1 1 0;'
libraries again 'library_set' "$(sql "SELECT DISTINCT library_set FROM libraries WHERE exe = '$T/bin/plain'");"
libraries preloaded 'sha256, flags IS NULL' "$extra 1;" "path = '$T/extra.so'"
same once "$(sql "SELECT count(*), count(DISTINCT hex(sha256)) FROM library JOIN library_member ON library = id
	WHERE path = '$LIBC' GROUP BY library_set LIMIT 1")" '1 1'
check_no_losses no_losses
daemon_stop_clean stop
