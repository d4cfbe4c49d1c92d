#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# identity.sh - who it was: path, SHA-256, command line, parent and grandparent, for programs that live a
# millisecond, delete themselves, lose their parents, change what they are, or ran before we did.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start

sha() { sha256sum "$1" | cut -d' ' -f1; }
SHELL_EXE=$(readlink /proc/$$/exe)

# Two that run before the daemon: one sends, the other has unread bytes waiting.
mkfifo "$T/go1" "$T/go2"
copy early tcp
copy early_echo tcp
bg_a "$T/bin/early" hold $B4 $SINK 100000 <"$T/go1" >"$T/said/early" 2>&1 &
JOBS="$JOBS $!"
bg_a "$T/bin/early_echo" hold $B4 $ECHO 100000 <"$T/go2" >"$T/said/early_echo" 2>&1 &
JOBS="$JOBS $!"
exec 8>"$T/go1" 9>"$T/go2"
said "$T/said/early" half && said "$T/said/early_echo" half
daemon_start
echo >&8
echo >&9

# ---- ancestry

tiny() { # NAME CHAIN...: a tiny of its own, started the given way
	copy "$1" tiny
	copy "$1_chain" chain
	tiny_name=$1
	shift
	in_a "$T/bin/${tiny_name}_chain" "$@" "$T/bin/$tiny_name" $B4 $SINK 100 || fail "$tiny_name" 'the actor failed'
}

tiny child fork
tiny orphan orphan
tiny again again $B4 $SINK 70 >/dev/null
tiny thread thread
tiny memfd memfd
copy daemon chain
in_a "$T/bin/daemon" daemon $B4 $SINK 100 >"$T/said/daemon" && said "$T/said/daemon" sent
copy alone tiny
in_a "$T/bin/alone" $B4 $SINK 100

# ---- shapes of programs

copy link_target tiny
ln -s link_target "$T/bin/link"
in_a "$T/bin/link" $B4 $SINK 100
copy renamed tcp
bg_a "$T/bin/renamed" drip $B4 $SINK 1000 20 >"$T/said/renamed" &
job=$!
sleep 0.1
mv "$T/bin/renamed" "$T/bin/renamed_later"
copy replaced tiny
first=$(sha "$T/bin/replaced")
in_a "$T/bin/replaced" $B4 $SINK 1
hashed "$T/bin/replaced"
echo more >>"$T/bin/replaced"
second=$(sha "$T/bin/replaced")
in_a "$T/bin/replaced" $B4 $SINK 2
hashed "$T/bin/replaced"
cp "$T/bin/alone" "$T/bin/replaced.new" && mv "$T/bin/replaced.new" "$T/bin/replaced"
third=$(sha "$T/bin/replaced")
in_a "$T/bin/replaced" $B4 $SINK 4
printf '#!/bin/bash\nexec 3<>/dev/tcp/%s/%s\nprintf 12345 >&3\n' $B4 $SINK >"$T/bin/script"
chmod +x "$T/bin/script"
in_a "$T/bin/script"
copy long tiny
in_a "$T/bin/long" $B4 $SINK 100 "$(head -c 20000 /dev/zero | tr '\0' a)" "$(head -c 30000 /dev/zero | tr '\0' b)"
copy quoted tiny
in_a "$T/bin/quoted" $B4 $SINK 100 'a b' '' "it's"
copy nobody tiny
in_a setpriv --reuid=65534 --regid=65534 --clear-groups "$T/bin/nobody" $B4 $SINK 100
wait $job

# ---- crowds

copy spawn spawn
mkdir "$T/gone"
i=0
while [ $i -lt 200 ]; do
	cp "$ACTORS/tiny" "$T/gone/p$i" && echo "gone $i" >>"$T/gone/p$i"
	i=$((i + 1))
done
(cd "$T/gone" && sha256sum p*) | awk -v d="$T/gone/" -v b=$B4 -v s=$SINK \
	'{ print d $2, $1, d $2, b, s, 100, "unlink" }' | sort >"$T/gone.want"
in_a "$T/bin/spawn" 200 4 "$T/gone/p%" $B4 $SINK 100 unlink || fail gone 'the actors failed'
same gone_are_gone "$(ls "$T/gone")" ''
copy short tiny
in_a "$T/bin/spawn" 3000 4 "$T/bin/short" $B4 $SINK 5 'n%' || fail short 'the actors failed'

# A new mount with a program that nobody has seen before: the path is known, the hash or the reason why not.
cp "$ACTORS/tiny" "$T/fresh"
in_a unshare --mount sh -c "mkdir '$T/mnt' && mount -t tmpfs none '$T/mnt' && cp '$T/fresh' '$T/mnt/fresh' &&
	'$T/mnt/fresh' $B4 $SINK 100"

hashed

# ---- what the rows say

is() { # NAME EXE COLUMNS WANT
	same "$1" "$(sql "SELECT DISTINCT $3 FROM connections WHERE exe = '$2'")" "$4"
}

self="exe, sha256, cmdline, name"
parents="pexe, psha256, pcmdline, gpexe"
for name in child orphan again thread alone; do
	exe=$T/bin/$name
	is $name "$exe" "$self, sum(send)" "$exe $(sha "$exe") $exe $B4 $SINK 100 $(printf %.15s $name) 100"
done
chain=$T/bin/child_chain
is child_parent "$T/bin/child" "$parents" \
	"$chain $(sha "$chain") $chain fork $T/bin/child $B4 $SINK 100 $SHELL_EXE"
chain=$T/bin/orphan_chain
is orphan_parents "$T/bin/orphan" "$parents, gpsha256" \
	"$chain $(sha "$chain") $chain orphan $T/bin/orphan $B4 $SINK 100 $chain $(sha "$chain")"
# A chain of forks of one program is told as two of it: behind them stands whoever started it.
is daemon "$T/bin/daemon" "sum(send), sha256, pexe, gpexe" "100 $(sha "$T/bin/daemon") $T/bin/daemon $SHELL_EXE"
is again_before "$T/bin/again_chain" "sum(send), sha256, pexe" "70 $(sha "$T/bin/again_chain") $SHELL_EXE"
is again_parent "$T/bin/again" "pexe" "$SHELL_EXE"
is thread_parent "$T/bin/thread" "pexe" "$SHELL_EXE"
is alone_parent "$T/bin/alone" "pexe, psha256" "$SHELL_EXE $(sha "$SHELL_EXE")"
# A memory file and a file of a mount that nobody marked yet: the SHA-256, or the reason why there is none.
hash_or_reason() { # NAME EXE FILE
	same "$1" "$(sql "SELECT sum(send), min(sha256 = '$(sha "$3")' OR nullif(sha256, '') IS NULL AND hash_error IS NOT NULL)
		FROM connections WHERE exe = '$2' AND cmdline LIKE '$T/%'")" '100 1'
}
hash_or_reason memfd /memfd:copy "$T/bin/memfd"

is link "$T/bin/link_target" "sum(send), cmdline" "100 $T/bin/link $B4 $SINK 100"
is renamed "$T/bin/renamed" "sum(send), sha256" "1000 $(sha "$T/bin/renamed_later")"
same replaced "$(sql "SELECT sha256, sum(send) FROM connections WHERE exe = '$T/bin/replaced' GROUP BY 1 ORDER BY 2" | tr '\n' ,)" \
	"$first 1,$second 2,$third 4,"
same replaced_seen "$(sql "SELECT seen_as FROM programs WHERE exe = '$T/bin/replaced' ORDER BY rowid" | tr '\n' ,)" \
	'new,changed,changed,'
same script "$(sql "SELECT sum(send), exe FROM connections WHERE cmdline LIKE '%$T/bin/script%'
	AND cmdline NOT LIKE '%nsenter%'")" "5 $(readlink -f /bin/bash)"
is long "$T/bin/long" "sum(send), length(cmdline) > 32000, cmdline LIKE '%aaaab%' OR cmdline LIKE '%aaa bbb%'" '100 1 1'
is quoted "$T/bin/quoted" "cmdline LIKE '% 100 ''a b'' '''' %it%s%'" 1
is nobody "$T/bin/nobody" "sum(send), uid, user" '100 65534 nobody'
hash_or_reason fresh "$T/mnt/fresh" "$T/fresh"

sql "SELECT DISTINCT exe, sha256, cmdline FROM connections WHERE exe LIKE '$T/gone/%'" | sort >"$T/gone.got"
same gone_programs "$(wc -l <"$T/gone.got")" 200
same gone_identities "$(diff "$T/gone.want" "$T/gone.got" | head -n 4)" ''
is short "$T/bin/short" "sum(send), count(DISTINCT cmdline), count(DISTINCT sha256), sum(sha256 IS NULL), min(sha256)" \
	"15000 3000 1 0 $(sha "$T/bin/short")"
is short_parent "$T/bin/short" "pexe, gpexe" "$T/bin/spawn $SHELL_EXE"

said "$T/said/early" sent && said "$T/said/early_echo" sent
flush
for name in early early_echo; do
	exe=$T/bin/$name
	is $name "$exe" "exe, sha256, cmdline LIKE '$exe hold $B4 %', pexe, raddr" \
		"$exe $(sha "$exe") 1 $SHELL_EXE $B4"
done
# Only what moved while we watched; the echo of the first half was read after the start.
same early_bytes "$(row_sum "$T/bin/early")" '50000 0'
same early_echo_bytes "$(row_sum "$T/bin/early_echo")" '50000 100000'
same unknown_hash_is_null "$(sql "SELECT count(*) FROM connections WHERE '' IN (sha256, psha256, gpsha256)")" 0
same no_flow_without_program "$(sql "SELECT count(*) FROM connections WHERE exe IS NULL")" 0
check_no_losses no_losses
daemon_stop_clean stop
