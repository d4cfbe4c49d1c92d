#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# postgres.sh - the whole way from a socket to a PostgreSQL server, as its administrator and its user go it: tables by
# pg-schema, the key in config.json, rows on the server, status, verify from both sides; a server that is away. PG_BIN
# is the directory of a server's programs, to try another version than the newest of Debian that is installed here.
. "$(dirname "$0")/lib.sh"
BIN=$(ls -d ${PG_BIN:-/usr/lib/postgresql/*/bin} 2>/dev/null | sort -V | tail -n 1)
if [ -z "$BIN" ] || ! id postgres >/dev/null 2>&1; then skip_all 'needs a PostgreSQL server'; fi
rig_start
peer_start
S=$T/server
mkdir "$S" && chown postgres "$S"

as_postgres() { (cd / && exec runuser -u postgres -- "$@") >/dev/null 2>&1; }
server() { # start | stop
	as_postgres "$BIN/pg_ctl" -D "$S/data" -w -m fast -l "$S/log" -o "-c listen_addresses= -c unix_socket_directories=$S" "$1"
}
remote() { psql -XAtqF ' ' -h "$S" -U "${2:-postgres}" -c "$1" postgres 2>&1; }
becomes() { # NAME SQL WANT [USER]
	becomes_i=0
	until [ "$(remote "$2" "${4:-postgres}")" = "$3" ] || [ $becomes_i -ge $((300 * SLOW)) ]; do
		becomes_i=$((becomes_i + 1))
		sleep 0.1
	done
	same "$1" "$(remote "$2" "${4:-postgres}")" "$3"
}
status() { "$FEMTO" --state-dir "$T/state" status; }

as_postgres "$BIN/initdb" -D "$S/data" -A trust -U postgres --no-sync || skip_all 'initdb failed'
server start || skip_all 'the server does not start'
trap 'server stop; rig_end' EXIT
"$FEMTO" pg-schema | psql -Xq -v ON_ERROR_STOP=1 -h "$S" -U postgres postgres >/dev/null
same pg_schema $? 0
remote 'CREATE ROLE snitch LOGIN; CREATE ROLE auditor LOGIN; GRANT femtosnitch_writer TO snitch; GRANT femtosnitch_reader TO auditor' >/dev/null

daemon_config ", \"DB sql server\": {\"client\": \"psycopg\", \"host\": \"$S\", \"user\": \"snitch\", \"database\": \"postgres\"}"
daemon_start
act copied tcp up $B4 $SINK 70000
flush
becomes postgres_row "SELECT count(*) > 0 FROM connections WHERE exe = '$T/bin/copied' AND host <> ''" t
flush # the hash may have come late: then it is a row of its own
becomes postgres_same "SELECT sum(send), max(sha256) FROM connections WHERE exe = '$T/bin/copied'" \
	"$(sql "SELECT sum(send), max(sha256) FROM connections WHERE exe = '$T/bin/copied'")" auditor
if status | grep -q '^copy PostgreSQL: .*last success 2'; then ok postgres_status; else fail postgres_status "$(status | grep copy)"; fi

server stop
act away tcp up $B4 $SINK 1000
flush
server start
becomes postgres_away "SELECT count(*) > 0 FROM connections WHERE exe = '$T/bin/away'" t
"$FEMTO" --state-dir "$T/state" verify --remote "host=$S user=auditor dbname=postgres" >"$T/out" 2>&1
same postgres_verify $? 0
remote "UPDATE connection_log SET send = send + 1 WHERE seq = 1" >/dev/null
"$FEMTO" --state-dir "$T/state" verify --remote "host=$S user=auditor dbname=postgres" >"$T/out" 2>&1
same postgres_tampered "$? $(grep -c 'remote: broken: window 1' "$T/out")" '1 1'
daemon_stop
