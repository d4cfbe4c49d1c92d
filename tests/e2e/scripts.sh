#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# scripts.sh - which script it was: executed by its #!, named on the command line of an interpreter, with a
# relative path, through a link, in another mount namespace, gone at once; and what is no file at all.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
daemon_start ', "Every exe (not just conns)": true'

PATH=/usr/sbin:/usr/bin:/sbin:/bin # programs, not what stands before them
sha() { sha256sum <"$1" | cut -d' ' -f1; }
S=$T/scripts
mkdir "$S" "$S/sub"
cd "$S" || exit 1

script() { # NAME FIRST-LINE BODY: a file that is like no other
	printf '%s\n# %s\n%s\n' "$2" "$1" "$3" >"$S/$1"
	chmod +x "$S/$1"
}

# What the executions of a script say: WHERE picks them by their command line.
is() { # NAME WHERE WANT
	same "$1" "$(sql "SELECT DISTINCT script, script_sha256, script_source, script_hash_error FROM connections
		WHERE lport = -1 AND script_source IS NOT NULL AND ($2)" | tr '\n' ';')" "$3;"
}

has() { command -v "$1" >/dev/null || { skip "$2" "no $1 on this machine"; return 1; }; }

# ---- executed

script plain '#!/bin/sh' 'exit 0'
"$S/plain"
script option '#!/bin/sh -e' 'exit 0'
./option
script linked '#!/bin/bash' 'exit 0'
ln -s linked name_of_link
"$S/name_of_link"
script relative '#!/bin/bash' 'exit 0'
(cd sub && ../relative)
script itself '#!/bin/sh' 'rm "$0"'
sha "$S/itself" >"$T/itself"
"$S/itself"
script tail '#!/usr/bin/tail -n1' 'data'
./tail >/dev/null
if has python3 env; then
	script env '#!/usr/bin/env python3' 'import socket'
	./env
fi
if has perl perl; then
	script perl '#!/usr/bin/perl -w' 'exit 0;'
	"$S/perl"
fi
i=0
while [ $i -lt 50 ]; do
	script "quick$i" '#!/bin/sh' "exit 0 # $i"
	./quick$i && rm quick$i
	i=$((i + 1))
done

# ---- named

script named_sh '# sh' 'exit 0'
script named_bash '# bash' 'cd sub; sleep 0.2'
script sub/named_bash '# another' ''
script named_elsewhere '# bash' 'sleep 0.2'
script named_python '# python' 'import time; time.sleep(0.2)'
script named_perl '# perl' 'select(undef, undef, undef, 0.2);'
printf '// node\nsetTimeout(function () {}, 200)\n' >named_node
script touched '# rewritten while it runs' 'echo >>"$0"; sleep 0.3'
touched=$(sha touched)
script mounted '# outside' 'sleep 0.2'
script inside '# inside' 'sleep 0.2; exit 0'
printf 'exec 3<>/dev/tcp/%s/%s; printf 1234567 >&3\n' $B4 $SINK >talks_too
odd=$(printf "new\nline 'quote\" \377")
printf '# odd\nsleep 0.2\n' >"$odd"
sleep 0.1 # what was written just before it ran could have been written just after

sh named_sh a b
bash ./named_bash
(cd sub && exec bash -eu -o pipefail ../named_elsewhere)
has python3 named_python && python3 -u named_python -c x
has perl named_perl && perl -w "$S/named_perl"
has node named_node && node named_node
sh ./absent 2>/dev/null
bash "$S/touched"
bash "./$odd"
unshare --mount sh -c "mount --bind '$S/inside' '$S/mounted' && exec bash '$S/mounted' in_there"
script fresh '# bash' 'sleep 0.2'
bash fresh

# ---- no file

bash -c 'exit 0 # inlined'
echo 'exit 0' | bash -s from_stdin
has python3 module && python3 -m this_is_none 2>/dev/null

# ---- with traffic

script talks '#!/bin/bash' "exec 3<>/dev/tcp/$B4/$SINK; printf 12345 >&3"
in_a ./talks
in_a bash talks_too

hashed
i=0
while [ $i -lt 50 ] && [ "$(sql "SELECT count(*) FROM connections WHERE script_hash_error = 'pending'")" != 0 ]; do
	sleep 0.1
	flush
	i=$((i + 1))
done

is plain "cmdline = '/bin/sh $S/plain'" "$S/plain $(sha plain) kernel "
is option "cmdline = '/bin/sh -e ./option'" "$S/option $(sha option) kernel "
is linked "cmdline = '/bin/bash $S/name_of_link'" "$S/linked $(sha linked) kernel "
is relative "cmdline = '/bin/bash ../relative'" "$S/relative $(sha relative) kernel "
is itself "cmdline = '/bin/sh $S/itself'" "$S/itself $(cat "$T/itself") kernel "
is tail "cmdline = '/usr/bin/tail -n1 ./tail'" "$S/tail $(sha tail) kernel "
[ -x "$(command -v python3)" ] && is env "name LIKE 'python3%' AND cmdline LIKE '% ./env'" "$S/env $(sha env) kernel "
[ -x "$(command -v perl)" ] && is perl "cmdline LIKE '% -w $S/perl'" "$S/perl $(sha perl) kernel "
same quick "$(sql "SELECT count(DISTINCT script_sha256) || ' ' || min(script_source) || ' ' || max(script_source) || ' ' ||
	sum(script_sha256 IS NULL) FROM connections WHERE cmdline LIKE '/bin/sh ./quick%'")" '50 kernel kernel 0'

is named_sh "cmdline = 'sh named_sh a b'" "$S/named_sh $(sha named_sh) argv "
is named_bash "cmdline = 'bash ./named_bash'" "$S/named_bash $(sha named_bash) argv "
is named_elsewhere "cmdline LIKE 'bash -eu %'" "$S/named_elsewhere $(sha named_elsewhere) argv "
[ -x "$(command -v python3)" ] && is named_python "cmdline LIKE 'python3 -u %'" "$S/named_python $(sha named_python) argv "
[ -x "$(command -v perl)" ] && is named_perl "cmdline LIKE 'perl -w $S/named_perl'" "$S/named_perl $(sha named_perl) argv "
[ -x "$(command -v node)" ] && is named_node "cmdline = 'node named_node'" "$S/named_node $(sha named_node) argv "
is absent "cmdline = 'sh ./absent'" './absent  argv gone'
# Where the interpreter starts slowly there is time to hash what it was given: then that is the right answer.
changed() { # NAME WHERE SHA256
	if [ "$SLOW" -gt 1 ] && [ "$(sql "SELECT DISTINCT script_sha256 FROM connections WHERE lport = -1
		AND script_source IS NOT NULL AND ($2)")" = "$3" ]; then
		ok "$1"
	else
		is "$1" "$2 AND coalesce(script_sha256, '') <> '$3'" "$S/$1  argv changed"
	fi
}
changed touched "cmdline = 'bash $S/touched'" "$touched"
changed fresh "cmdline = 'bash fresh'" "$(sha fresh)"
same odd "$(sql "SELECT DISTINCT script = '$S/new' || char(10) || 'line ''quote\" \xff', script_sha256 FROM connections
	WHERE lport = -1 AND script LIKE '$S/new%'")" "1 $(sha "$odd")"
is mounted "cmdline = 'bash $S/mounted in_there'" "$S/mounted $(sha inside) argv "

is inline "cmdline LIKE 'bash -c %inlined%'" '  inline '
is stdin "cmdline = 'bash -s from_stdin'" '  stdin '
[ -x "$(command -v python3)" ] && is module "cmdline = 'python3 -m this_is_none'" '  module '

talks() { # NAME BYTES SOURCE
	same "$1" "$(sql "SELECT sum(send), script, script_sha256, script_source, app FROM connections
		WHERE lport > 0 AND script = '$S/$1' GROUP BY script")" "$2 $S/$1 $(sha "$1") $3 $S/$1"
}
talks talks 5 kernel
talks talks_too 7 argv
same scripts_are_no_users "$(sql "SELECT count(*) FROM programs WHERE exe LIKE '$S/%' AND first_network IS NOT NULL")" 0
check_no_losses no_losses
daemon_stop_clean stop
