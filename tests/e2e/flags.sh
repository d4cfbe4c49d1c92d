#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# flags.sh - what a program cannot hide: what it was started with (LD_PRELOAD, LD_AUDIT, a debugger, no name), who it
# is under another name, and that it ran at all ("Every exe"), also in a storm of executions.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start ', "Every exe (not just conns)": true'

sha() { sha256sum "$1" | cut -d' ' -f1; }
SHELL_EXE=$(readlink /proc/$$/exe)

flags() { # NAME WANT [EXE]: of an execution, and of its traffic
	same "$1" "$(sql "SELECT DISTINCT coalesce(flags, '-') FROM connections WHERE exe = '${3:-$T/bin/$1}'")" "$2"
}

# ---- how it was started

for name in plain preload audit both empty other many spoofed; do copy $name tiny; done
in_a "$T/bin/plain" $B4 $SINK 1
in_a env LD_PRELOAD=libc.so.6 "$T/bin/preload" $B4 $SINK 1
in_a env LD_AUDIT=/nowhere.so "$T/bin/audit" $B4 $SINK 1 2>/dev/null
in_a env LD_PRELOAD=libc.so.6 LD_AUDIT=/x.so "$T/bin/both" $B4 $SINK 1 2>/dev/null
in_a env LD_PRELOAD= LD_AUDIT= "$T/bin/empty" $B4 $SINK 1
in_a env XLD_PRELOAD=1 LD_PRELOADED=1 A="$(printf 'x\nLD_PRELOAD=1')" "$T/bin/other" $B4 $SINK 1
# behind 200 variables and one that is long
in_a env -i LONG="$(head -c 5000 /dev/zero | tr '\0' a)" $(seq -f 'V%g=value' 200) LD_PRELOAD=libc.so.6 \
	"$T/bin/many" $B4 $SINK 1
copy nameless tiny
nameless=$(sha "$T/bin/nameless")
copy chain chain
in_a "$T/bin/chain" fexecve "$T/bin/nameless" $B4 $SINK 1
copy traced tiny
in_a "$T/bin/chain" traced "$T/bin/traced" $B4 $SINK 1 || fail traced 'the actor failed'
copy memory tiny
in_a "$T/bin/chain" memfd "$T/bin/memory" $B4 $SINK 1

# ---- under another name

in_a bash -c "exec -a '[kworker/0:1]' '$T/bin/spoofed' $B4 $SINK 100"
copy first_name tiny
ln "$T/bin/first_name" "$T/bin/second_name"
in_a "$T/bin/first_name" $B4 $SINK 1
in_a "$T/bin/second_name" $B4 $SINK 2
BUSYBOX=$(command -v busybox) && in_a busybox nc -w 1 -u $B4 $SINK </dev/null 2>/dev/null
[ -n "$BUSYBOX" ] && BUSYBOX=$(readlink -f "$BUSYBOX") && busybox true && ln -s "$BUSYBOX" "$T/bin/sleep" && "$T/bin/sleep" 0

# ---- a storm

copy storm spawn
copy quick tiny
start=$(date +%s%N)
in_a "$T/bin/storm" 4000 8 "$T/bin/quick" $B4 $SINK 1 'n%' >/dev/null || fail storm 'the actors failed'
rate=$((4000 * 1000000000 / ($(date +%s%N) - start)))
hashed

flags plain -
flags preload LD_PRELOAD
flags audit LD_AUDIT
flags both LD_PRELOAD,LD_AUDIT
flags empty -
flags other -
flags many LD_PRELOAD
flags nameless deleted
flags traced traced
flags memory memfd /memfd:copy
same nameless_hash "$(sql "SELECT DISTINCT sha256 FROM connections WHERE exe = '$T/bin/nameless'")" "$nameless"
same traced_parent "$(sql "SELECT DISTINCT pexe, gpexe FROM connections WHERE exe = '$T/bin/traced'")" "$T/bin/chain $SHELL_EXE"

same spoofed "$(sql "SELECT DISTINCT sha256, name, cmdline, sum(send) FROM connections WHERE exe = '$T/bin/spoofed'")" \
	"$(sha "$T/bin/spoofed") spoofed '[kworker/0:1]' $B4 $SINK 100 100"
same hard_links "$(sql "SELECT exe, sha256, sum(send) FROM connections WHERE exe LIKE '$T/bin/%_name' GROUP BY exe" | tr '\n' ';')" \
	"$T/bin/first_name $(sha "$T/bin/first_name") 1;$T/bin/second_name $(sha "$T/bin/first_name") 2;"
if [ -n "$BUSYBOX" ]; then
	same multi_call "$(sql "SELECT DISTINCT exe, cmdline FROM connections WHERE cmdline = '$T/bin/sleep 0'")" \
		"$BUSYBOX $T/bin/sleep 0"
else
	skip multi_call 'no busybox on this machine'
fi

# Every execution is there, or is counted as lost.
same storm "$(sql "SELECT sum(events), count(DISTINCT cmdline), count(DISTINCT sha256) FROM connections
	WHERE exe = '$T/bin/quick' AND lport = -1 AND rport = -1")" '4000 4000 1'
echo "# $rate executions a second" >&2
check_no_losses no_losses
daemon_stop_clean stop
