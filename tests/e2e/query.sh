#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# query.sh - the commands, their answers and exit codes, as a person meets them.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start

# Run femtosnitch with the rig's directories; output in $T/out and $T/err.
cmd() { "$FEMTO" --config "$T/config.json" --state-dir "$T/state" "$@" >"$T/out" 2>"$T/err" </dev/null; }

exits() { # NAME CODE COMMAND...
	exits_name=$1 exits_want=$2
	shift 2
	cmd "$@"
	exits_got=$?
	if [ $exits_got = "$exits_want" ]; then ok "$exits_name"; else
		fail "$exits_name" "exit $exits_got, want $exits_want: $(head -c 300 "$T/err")"
	fi
}

says() { # NAME FILE PATTERN
	if grep -qi -e "$3" "$T/$2"; then ok "$1"; else fail "$1" "no '$3' in: $(head -c 400 "$T/$2")"; fi
}

valid_json() { # NAME
	same "$1" "$(sqlite3 :memory: "SELECT json_valid(readfile('$T/out'))")" 1
}

daemon_config
exits help 0 help
says help_lists out 'check-config'
exits version 0 version
says version_says out '[0-9]\.[0-9]'
exits no_command 2
exits unknown_command 2 florb
exits help_of_a_command 0 run --help
says help_of_a_command_says out 'usage: femtosnitch'
exits check_config 0 check-config
printf '{ "DB write limit (seconds)": 1,\n  "Log comands": true }\n' >"$T/config.json"
exits check_config_bad 2 check-config
says check_config_line err 'config.json:2.*Log comands'
says check_config_nearest err 'Log commands'
exits run_bad_config 2 run
daemon_config
exits status_stopped 3 status
exits stop_stopped 0 stop
exits query_without_log 1 query top
says query_without_log_says err "$T/state"

daemon_start
exits status_running 0 status
says status_pid out "pid: $DAEMON"
exits doctor 0 doctor
says doctor_says out 'not covered'
exits second_run 1 run
says second_run_says err "already running with pid $DAEMON"

# What is asked with --now is there at once.
act asked udp up $B4 $SINK 100 100
exits now 0 query --now --csv "SELECT sum(send) FROM connections WHERE exe = '$T/bin/asked'"
same now_says "$(tail -n 1 "$T/out" | tr -d '\r')" 10000
for question in top new last losses; do exits $question 0 query $question; done
exits top_json 0 query --json --bytes top --limit 0
valid_json top_json_valid
says top_json_has out "\"$T/bin/asked\""
exits program 0 query program asked
says program_says out $B4
exits program_path 0 query program "$T/bin/asked"
exits address 0 query address $B4
says address_says out "$T/bin/asked"
exits address_net 0 query address 198.18.0.0/24
exits json_sql 0 query --json "SELECT exe, send, NULL AS none FROM connections"
valid_json json_sql_valid
exits csv_sql 0 query --csv "SELECT exe, send FROM connections WHERE exe = '$T/bin/asked' LIMIT 1"
same csv_header "$(head -n 1 "$T/out" | tr -d '\r')" 'exe,send'

exits write_refused 1 query "DELETE FROM flow"
exits write_hidden 1 query "WITH a AS (SELECT 1) DELETE FROM flow"
exits attach_refused 1 query "ATTACH '$T/evil.db' AS e"
same attach_made_nothing "$(ls "$T/evil.db" 2>/dev/null)" ''
exits two_statements 1 query "SELECT 1; DELETE FROM flow"
same nothing_deleted "$(row_sum "$T/bin/asked")" '10000 0'
exits sql_error 1 query "SELECT florb FROM connections"
says sql_error_says err florb
exits bad_time 2 query top --since yesterweek
exits unknown_question 2 query florb
exits empty_answer 0 query program no-such-program
[ -s "$T/err" ] && ok empty_says_why || fail empty_says_why 'nothing on stderr'

# The columns people know, in this order.
same columns "$(sql "SELECT group_concat(name, ' ') FROM (SELECT name FROM pragma_table_info('connections') LIMIT 33)")" \
	"contime send recv exe name cmdline sha256 pexe pname pcmdline psha256 uid lport rport laddr raddr domain gpexe\
 gpname gpcmdline gpsha256 family protocol netns events hash_error container unit direction result time last_seen\
 protocol_name"
hashed "$T/bin/asked"
same types "$(sql "SELECT DISTINCT typeof(contime), typeof(send), typeof(exe), typeof(sha256), length(sha256), typeof(uid),
	typeof(lport), typeof(raddr), typeof(domain), netns, typeof(time), protocol_name, user FROM connections
	WHERE exe = '$T/bin/asked'")" \
	"integer integer text text 64 integer integer text null $(in_a stat -Lc %i /proc/self/ns/net) text udp root"
same time_is_utc "$(sql "SELECT count(*) FROM connections WHERE time IS NOT strftime('%Y-%m-%dT%H:%M:%SZ', contime, 'unixepoch')")" 0

# Reload: a good file is taken, a bad one is not.
daemon_config ', "Log commands": false, "Log ports": false, "Log addresses": false'
kill -HUP $DAEMON
said "$T/daemon.log" 'generation 2' || fail reload 'no word of it in the log'
flush # behind the new settings, through every stage
act private udp up $B4 $SINK 10 100
flush
same private "$(sql "SELECT sum(send), cmdline = '', pcmdline = '', gpcmdline = '', lport, rport, raddr = '', laddr = '',
	raddr_source = '' FROM connections WHERE exe = '$T/bin/private'")" '1000 1 1 1 0 0 1 1 1'
same private_rollups "$(sql "SELECT count(*) FROM traffic_5min WHERE exe = '$T/bin/private'
	AND (raddr <> '' OR rport <> 0)")" 0
daemon_config ', "Log ignore": [7005, "198.18.0.3"]'
kill -HUP $DAEMON
said "$T/daemon.log" 'generation 3'
flush # behind the new settings, through every stage
act ignored udp to $B4 $SINK 300 100
act ignored_address udp up $B4B $SINK 10 100
flush
same ignored "$(row_sum "$T/bin/ignored")" '20000 0'
same ignored_address "$(row_sum "$T/bin/ignored_address")" '0 0'
same ignored_counted "$(sql "SELECT name, sum(ignored) FROM programs WHERE exe LIKE '$T/bin/ignored%' GROUP BY 1" | tr '\n' ,)" \
	'ignored 10000,ignored_address 1000,'
echo '{ "Log commands": 1 }' >"$T/config.json"
kill -HUP $DAEMON
said "$T/daemon.log" 'refused' || fail bad_reload 'no word of it in the log'
act after_bad udp up $B4 $SINK 10 100
flush
check_sum after_bad
cmd status
says status_says_refused out '^settings refused: config.json'
daemon_config ', "DB text log": true, "Every exe (not just conns)": true'
kill -HUP $DAEMON
said "$T/daemon.log" 'generation 4'
flush # behind the new settings, through every stage
copy silent tiny
in_a "$T/bin/silent"
act logged udp up $B4 $SINK 10 100
flush
same every_exe "$(sql "SELECT lport, rport, send, recv FROM connections WHERE exe = '$T/bin/silent'")" '-1 -1 0 0'
same text_log "$(awk -F, -v e="$T/bin/logged" '$4 == e { s += $2; n = NF } END { print s, n }' "$T/state/conn.log")" '1000 17'

# A program by its hash; and nothing but programs and losses in the database.
copy by_hash udp
hash=$(sha256sum <"$T/bin/by_hash" | cut -c1-64)
daemon_config ", \"DB text log\": true, \"DB sql log\": false, \"Log ignore\": [\"$hash\"]"
kill -HUP $DAEMON
said "$T/daemon.log" 'generation 5'
cmd status
same status_forgets_refused "$(grep -c "settings refused" "$T/out")" 0
flush # behind the new settings, through every stage
act by_hash udp up $B4 $SINK 10 100
act not_in_sql tcp up $B4 $SINK 1000
flush
same ignored_by_hash "$(grep -c "$T/bin/by_hash," "$T/state/conn.log"),$(sql "SELECT name, sum(ignored) FROM programs
	WHERE exe = '$T/bin/by_hash'")" '0,by_hash 1000'
same sql_log_off "$(sql "SELECT (SELECT count(*) FROM connections WHERE exe = '$T/bin/not_in_sql'),
	(SELECT count(*) FROM totals_5min WHERE exe = '$T/bin/not_in_sql'),
	(SELECT count(*) FROM programs WHERE exe = '$T/bin/not_in_sql')")" '0 0 1'
same sql_log_off_text "$(awk -F, -v e="$T/bin/not_in_sql" '$4 == e { s += $2 } END { print s }' "$T/state/conn.log")" 1000

exits stop 0 stop
gone $DAEMON 50 || fail stop 'still there'
DAEMON=''
exits status_after 3 status
exits query_after 0 query top
exits now_after 0 query --now top
says now_after_says err 'not running'
exits start 0 start
exits status_started 0 status
DAEMON=$(sed -n 's/^pid: //p' "$T/out")
exits restart 0 restart
DAEMON=$(cat "$T"/state/*.pid)
exits stop_started 0 stop
gone "$DAEMON" 50 || fail stop_started 'still there'
DAEMON=''
