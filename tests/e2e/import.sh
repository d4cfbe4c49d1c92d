#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# import.sh - moving in from picosnitch, as its user goes the way: `import` of what versions 1 and 2 leave behind, the
# questions that people ask, the settings it printed, and the daemon that goes on with that log.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start
AB=$(printf 'ab%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32)
copy known tcp
KNOWN=$(sha256sum "$T/bin/known" | cut -d' ' -f1)
mkdir "$T/one" "$T/two" "$T/state"
daemon_config

# ---- what version 1 keeps: a database in local time, a list of programs with verdicts
sqlite3 "$T/one/snitch.db" "CREATE TABLE connections(contime text, send integer, recv integer, exe text, name text,
	cmdline text, sha256 text, pexe text, pname text, pcmdline text, psha256 text, uid integer, lport integer,
	rport integer, laddr text, raddr text, domain text);
	PRAGMA user_version = 3;
	INSERT INTO connections VALUES(datetime('now', '-100 seconds'), 10, 20, '$T/bin/known', 'known', 'known it''s',
		'$KNOWN', '/usr/bin/bash', 'bash', 'bash', '', 1000, 40000, 443, '10.0.0.2', '192.0.2.1', 'com.Example.www'),
		(datetime('now', '-90 seconds'), 1, 2, '/opt/x', 'x', 'x', '!!! FD Read Error', '', '', '', '', 0, 1, 2,
		'::1', '2001:db8::5', '')"
cat >"$T/one/record.json" <<END
{"Executables": {"$T/bin/known": ["known"], "/bin/bad": ["bad"]}, "Names": {}, "Parent Executables": {}, "Parent Names": {},
"SHA256": {"/bin/bad": {"$AB": "{'malicious': 3, 'suspicious': 1}"}}}
END

# ---- what version 2 keeps: a database of other tables, settings in TOML
sqlite3 "$T/two/picosnitch.db" "CREATE TABLE executables(id INTEGER PRIMARY KEY, exe TEXT NOT NULL, name TEXT NOT NULL,
	cmdline TEXT NOT NULL, sha256 TEXT NOT NULL, UNIQUE(exe, name, cmdline, sha256));
	CREATE TABLE domains(id INTEGER PRIMARY KEY, domain TEXT NOT NULL UNIQUE);
	CREATE TABLE addresses(id INTEGER PRIMARY KEY, addr TEXT NOT NULL UNIQUE);
	CREATE TABLE connections(contime INTEGER NOT NULL, send INTEGER NOT NULL, recv INTEGER NOT NULL, events INTEGER NOT
	NULL, exe_id INTEGER NOT NULL, pexe_id INTEGER NOT NULL, gpexe_id INTEGER NOT NULL, uid INTEGER NOT NULL, family
	INTEGER NOT NULL, protocol INTEGER NOT NULL, lport INTEGER NOT NULL, rport INTEGER NOT NULL, laddr_id INTEGER NOT
	NULL, raddr_id INTEGER NOT NULL, domain_id INTEGER NOT NULL, netns INTEGER NOT NULL);
	PRAGMA user_version = 4;
	INSERT INTO executables VALUES(0, '', '', '', ''), (1, '/sbin/init', 'systemd', '/sbin/init', '$AB'),
		(2, '/usr/bin/curl', 'curl', 'curl -s', '$AB');
	INSERT INTO domains VALUES(0, ''), (1, 'com.example');
	INSERT INTO addresses VALUES(0, ''), (1, '10.0.0.1'), (2, 'fd00::1');
	INSERT INTO connections VALUES(unixepoch() - 60, 7, 8, 9, 2, 1, 0, 1000, 10, 17, 500, 443, 2, 2, 1, 4026531840)"
cat >"$T/two/config.toml" <<END
[database]
retention_days = 30
[log]
ignore_ports = [ 9, ]
END

import() { # FILE-OR-DIRECTORY...: what it says is in $T/out
	"$FEMTO" --config "$T/config.json" --state-dir "$T/state" import --timezone UTC "$@" >"$T/out" 2>&1
}
says() { # NAME PATTERN
	if grep -q -e "$2" "$T/out"; then ok "$1"; else fail "$1" "$(cat "$T/out")"; fi
}
verify() { # NAME
	"$FEMTO" --state-dir "$T/state" verify >"$T/out" 2>&1
	same "$1" $? 0
}

import "$T/one" "$T/two/picosnitch.db"
same import_exit $? 0
says import_version_1 'snitch.db (picosnitch 1): 2 rows: 2 imported'
says import_version_2 'picosnitch.db (picosnitch 2): 1 rows: 1 imported'
says import_list 'programs are known now, with 1 verdicts'
same import_rows "$(query --csv 'SELECT exe, cmdline, send, recv, raddr, domain FROM connections ORDER BY contime' | tail -n +2 | tr -d '\r')" \
	"$T/bin/known,known it's,10,20,192.0.2.1,www.example.com
/opt/x,x,1,2,2001:db8::5,
/usr/bin/curl,curl -s,7,8,fd00::1,example.com"
same import_question "$(query domain example.com | grep -c "curl\|$T/bin/known")" 2
same import_verdict "$(query --csv "SELECT verdict FROM programs WHERE exe = '/bin/bad'" | tail -n 1 | tr -d '\r')" malicious
same import_sums "$(query --csv 'SELECT sum(send), sum(recv) FROM traffic_day' | tail -n 1 | tr -d '\r')" 18,30
verify import_verify
import "$T/one" "$T/two/picosnitch.db"
says import_again 'snitch.db (picosnitch 1): 2 rows: 0 imported, 2 were here already'
same import_again_rows "$(sql 'SELECT count(*) FROM connections')" 3

# ---- its settings are good as they are printed
"$FEMTO" import "$T/two/config.toml" >"$T/printed.json" 2>"$T/out"
"$FEMTO" check-config --config "$T/printed.json" >"$T/out" 2>&1
same import_settings_exit $? 0
says import_settings '^Log ignore: port 9'
same import_retention "$(grep -c '"DB retention (days)":[[:space:]]*30' "$T/printed.json")" 1

# ---- the daemon goes on with it: who is known is no news, and nothing is imported behind its back
daemon_start
act known tcp up $B4 $SINK 1000
act unknown tcp up $B4 $SINK 1000
flush
hashed "$T/bin/%"
import "$T/one"
same import_while_it_runs "$? $(grep -c 'already running' "$T/out")" '1 1'
query unacknowledged >"$T/out"
same import_no_news "$(grep -c "$T/bin/known" "$T/out") $(grep -c "$T/bin/unknown" "$T/out")" '0 1'
same import_goes_on "$(sql "SELECT count(*) FROM connections WHERE exe = '$T/bin/known'")" 2
daemon_stop
verify import_whole
