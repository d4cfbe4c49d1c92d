#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shortlived.sh - programs of a millisecond: 3,000 of one file, and 200 files that delete themselves. How many
# have path, hash and command line?
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start

copy spawn spawn
copy short tiny
sum=$(sha256sum "$T/bin/short" | cut -d' ' -f1)
start=$(now_ms)
in_a "$T/bin/spawn" 3000 2 "$T/bin/short" $B4 $SINK 5 'n%'
figure '3,000 processes: ran in' $(($(now_ms) - start)) - ms
mkdir "$T/gone"
i=0
while [ $i -lt 200 ]; do
	cp "$ACTORS/tiny" "$T/gone/p$i" && echo "$i" >>"$T/gone/p$i"
	i=$((i + 1))
done
(cd "$T/gone" && sha256sum p*) | awk -v d="$T/gone/" -v b=$B4 -v s=$SINK \
	'{ print d $2, $1, d $2, b, s, 100, "unlink" }' | sort >"$T/want"
in_a "$T/bin/spawn" 200 4 "$T/gone/p%" $B4 $SINK 100 unlink
flush
# A row does not wait for its hash, which is written with the next commit.
start=$(now_ms)
while [ $(($(now_ms) - start)) -lt 5000 ] &&
	[ "$(sql "SELECT count(*) FROM connections WHERE hash_error = 'pending' AND exe LIKE '$T/%'")" != 0 ]; do
	sleep 0.1
done
figure 'the last hash after' $(($(now_ms) - start)) - ms
exact '3,000 processes: path, hash, command line' "$(sql "SELECT count(DISTINCT cmdline) FROM connections
	WHERE exe = '$T/bin/short' AND sha256 = '$sum' AND cmdline LIKE '$T/bin/short $B4 $SINK 5 n%'")" 3000
exact '3,000 processes: bytes' "$(row_sum "$T/bin/short")" '15000 0'
sql "SELECT DISTINCT exe, sha256, cmdline FROM connections WHERE exe LIKE '$T/gone/%'" | sort >"$T/got"
exact '200 deleted at once: path, hash, command line' "$(comm -12 "$T/want" "$T/got" | wc -l)" 200
