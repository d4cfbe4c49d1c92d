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

# ---- the whole line of parents, all of them gone when it is asked for

copy last tiny
n=5
next="$T/bin/last $B4 $SINK 1"
while [ $n -gt 0 ]; do
	printf '#!/bin/sh\n%s\nexit 0\n' "$next" >"$T/bin/step$n"
	chmod +x "$T/bin/step$n"
	next=$T/bin/step$n
	n=$((n - 1))
done
in_a "$T/bin/step1"
copy orphan tiny
in_a "$T/bin/chain" orphan "$T/bin/orphan" $B4 $SINK 1

# ---- a storm

copy storm spawn
copy quick tiny
STORM=10000 # five seconds and more of as many as the machine can
[ "$SLOW" = 1 ] && [ -z "${FAST:-}" ] || STORM=2000
start=$(date +%s%N)
in_a "$T/bin/storm" $STORM 8 "$T/bin/quick" $B4 $SINK 1 'n%' >/dev/null || fail storm 'the actors failed'
rate=$((STORM * 1000000000 / ($(date +%s%N) - start)))
hashed

flags plain -
flags preload LD_PRELOAD
flags audit LD_AUDIT
flags both LD_PRELOAD,LD_AUDIT
flags empty -
flags other -
case $(uname -r) in # before 5.17 no more than 64 are looked at, which is said
5.1[0-6].*) flags many 'environment cut' ;;
*) flags many LD_PRELOAD ;;
esac
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

line_of() { # EXE COLUMN: of its parents, itself first
	query --csv parents "$1" | sed 1d | cut -d, -f"$2" | tr '\n' ' '
}
sh=$(readlink -f /bin/sh)
same line_programs "$(line_of "$T/bin/last" 2 | cut -d' ' -f1-7)" "$T/bin/last $sh $sh $sh $sh $sh $SHELL_EXE"
same line_scripts "$(line_of "$T/bin/last" 4 | cut -d' ' -f1-6)" \
	" $T/bin/step5 $T/bin/step4 $T/bin/step3 $T/bin/step2 $T/bin/step1"
same line_of_orphan "$(line_of "$T/bin/orphan" 2 | cut -d' ' -f1-4)" "$T/bin/orphan $T/bin/chain $T/bin/chain $SHELL_EXE"
same line_of_script "$(query --csv parents "$T/bin/step3" | sed -n 2p | cut -d, -f1,2,4)" "0,$sh,$T/bin/step3"

# Every execution is there, or is counted as lost.
same storm "$(sql "SELECT sum(events), count(DISTINCT cmdline), count(DISTINCT sha256) FROM connections
	WHERE exe = '$T/bin/quick' AND lport = -1 AND rport = -1")" "$STORM $STORM 1"
echo "# $rate executions a second" >&2
check_no_losses no_losses

# The collector sleeps through another: what does not fit the ring is told as lost, record by record.
copy lost tiny
collector=$(stage_pid collector)
kill -STOP "$collector"
in_a "$T/bin/storm" 2000 8 "$T/bin/lost" $B4 $SINK 1 'n%' >/dev/null || fail lost 'the actors failed'
kill -CONT "$collector"
hashed
kept=$(sql "SELECT coalesce(sum(events), 0) FROM connections WHERE exe = '$T/bin/lost' AND lport = -1")
told=$(sql "SELECT coalesce(sum(records), 0) FROM losses WHERE kind = 'ring full'")
same nothing_lost_in_silence "$([ "$kept" -lt 2000 ] && [ $((kept + told)) -ge 2000 ] && echo told)" told
same bytes_are_kept "$(sql "SELECT sum(send) FROM connections WHERE exe = '$T/bin/lost' OR exe IS NULL AND rport = $SINK")" 2000
daemon_stop_clean stop
