#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# postgres-trouble.sh - a PostgreSQL server behind a network, with TLS: whose certificate has another name gets
# nothing; one that the network swallows, that hangs, or whose disk is full costs neither rows nor time here, and
# everything is there once when it is over, or our own disk is full. LONG=1 lets the network be away for two minutes; PG_BIN as in postgres.sh.
. "$(dirname "$0")/lib.sh"
BIN=$(ls -d ${PG_BIN:-/usr/lib/postgresql/*/bin} 2>/dev/null | sort -V | tail -n 1)
if [ -z "$BIN" ] || ! id postgres >/dev/null 2>&1; then skip_all 'needs a PostgreSQL server'; fi
if ! command -v openssl >/dev/null; then skip_all 'needs openssl'; fi
rig_start
peer_start
S=$T/server
N=fs$$d H4=198.18.77.1 D4=198.18.77.2 # a third namespace, which the server lives in
mkdir "$S"
mount -t tmpfs -o size=160m tmpfs "$S" || skip_all 'no tmpfs may be mounted'
mkdir "$T/state"
mount -t tmpfs -o size=16m,mode=755 tmpfs "$T/state"
chown postgres "$S"

end() {
	server stop
	ip netns del "$N" 2>/dev/null
	rig_end
}

as_postgres() { (cd / && exec ip netns exec "$N" runuser -u postgres -- "$@") >/dev/null 2>&1; }
server() { # start | stop
	as_postgres "$BIN/pg_ctl" -D "$S/data" -w -m immediate -l "$S/log" \
		-o "-c listen_addresses=$D4 -c unix_socket_directories=$S -c ssl=on -c fsync=off -c max_wal_size=32MB -c min_wal_size=32MB" "$1"
}
remote() { psql -XAtqF ' ' -h "$S" -U postgres -c "$1" postgres 2>&1; }
becomes() { # NAME SQL WANT
	becomes_i=0
	until [ "$(remote "$2")" = "$3" ] || [ $becomes_i -ge $((900 * SLOW)) ]; do
		becomes_i=$((becomes_i + 1))
		sleep 0.1
	done
	same "$1" "$(remote "$2")" "$3"
}
status() { "$FEMTO" --state-dir "$T/state" status; }
says() { # NAME PATTERN
	says_i=0
	until status | grep -q "$2" || [ $says_i -ge $((300 * SLOW)) ]; do
		says_i=$((says_i + 1))
		sleep 0.1
	done
	if status | grep -q "$2"; then ok "$1"; else fail "$1" "$(status | grep copy)"; fi
}
settings() { # HOST
	daemon_config ", \"DB sql server\": \"host=$1 hostaddr=$D4 user=snitch dbname=postgres sslrootcert=$T/tls/ca.crt\""
}
# The server has what the log has, and each row once. Our own traffic waits for that of others.
equal() { # NAME
	flush
	becomes "$1" "SELECT count(*), count(DISTINCT (log_id, seq)), sum(send) FROM connections WHERE exe LIKE '$T/bin/%'" \
		"$(sql "SELECT count(*), count(*), sum(send) FROM connections WHERE exe LIKE '$T/bin/%'")"
}
local_row() { # NAME PROGRAM: it is in the log while nobody answers
	same "$1" "$(sql "SELECT count(*) > 0 FROM connections WHERE exe = '$T/bin/$2'")" 1
}

# ---- a server with a certificate of our own authority, for db.test
ip netns add "$N"
trap end EXIT
ip link add "${N}h" type veth peer name "${N}s" netns "$N"
ip addr add "$H4/30" dev "${N}h"
ip link set "${N}h" up
ip -n "$N" addr add "$D4/30" dev "${N}s"
ip -n "$N" link set "${N}s" up
ip -n "$N" link set lo up
mkdir "$T/tls"
(
	cd "$T/tls"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=test-authority
	openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=db.test
	echo subjectAltName=DNS:db.test >san
	openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile san
) >/dev/null 2>&1
chmod 755 "$T" "$T/tls"
chmod 644 "$T/tls/ca.crt"
as_postgres "$BIN/initdb" -D "$S/data" -A trust -U postgres --no-sync || skip_all 'initdb failed'
echo "hostssl all all $H4/32 trust" >>"$S/data/pg_hba.conf"
cp "$T/tls/server.key" "$T/tls/server.crt" "$S/data/"
chown postgres "$S/data/server.key" "$S/data/server.crt"
chmod 600 "$S/data/server.key"
server start || skip_all 'the server does not start'
"$FEMTO" pg-schema | psql -Xq -v ON_ERROR_STOP=1 -h "$S" -U postgres postgres >/dev/null
remote 'CREATE ROLE snitch LOGIN; GRANT femtosnitch_writer TO snitch' >/dev/null

# ---- whose certificate it is
settings other.test
daemon_start
act first tcp up $B4 $SINK 1000
flush
says postgres_wrong_name 'last error: .*certificate.*other.test'
same postgres_wrong_name_empty "$(remote 'SELECT count(*) FROM connection_log')" 0
settings db.test
kill -HUP $DAEMON
equal postgres_right_name
same postgres_tls "$(remote "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'snitch'")" t

# ---- the network swallows everything: nobody is told, and nobody refuses
ip neigh replace "$D4" lladdr "$(ip -n "$N" -br link show "${N}s" | awk '{ print $3 }')" nud permanent dev "${N}h"
ip -n "$N" addr del "$D4/30" dev "${N}s"
act swallowed tcp up $B4 $SINK 1000
flush
local_row postgres_swallowed_local swallowed
sleep $((${LONG:+115} + 5))
act longer tcp up $B4 $SINK 1000
flush
local_row postgres_swallowed_longer longer
ip -n "$N" addr add "$D4/30" dev "${N}s"
equal postgres_swallowed

# ---- it hangs
backend=$(remote "SELECT pid FROM pg_stat_activity WHERE usename = 'snitch'")
kill -STOP $backend
act hangs tcp up $B4 $SINK 1000
flush
local_row postgres_hangs_local hangs
kill -CONT $backend
equal postgres_hangs

# ---- its disk is full: 53100 from the server, or it is not there at all
dd if=/dev/zero of="$S/filler" bs=1M >/dev/null 2>&1
act full tcp many $B4 $SINK 100 1000
flush
says postgres_full_said 'last error'
status | grep 'last error' >"$T/full"
local_row postgres_full_local full
rm "$S/filler"
server start
equal postgres_full

# ---- our own disk is full while the server is away: what was written is copied, the rest is when there is room
server stop
act behind tcp up $B4 $SINK 1000
flush
dd if=/dev/zero of="$T/state/filler" bs=4k >/dev/null 2>&1
act waits udp fan $B4 20000 500 100
says postgres_no_room_said 'cannot be written'
server start
becomes postgres_no_room_copied "SELECT sum(send) FROM connections WHERE exe = '$T/bin/behind'" 1000
rm "$T/state/filler"
sleep $((3 * SLOW)) # it is tried again
equal postgres_no_room
lost=$(sql "SELECT coalesce(sum(bytes), 0) FROM losses WHERE kind = 'store'")
got=$(row_sum "$T/bin/waits")
same postgres_no_room_accounted "$((${got% *} + lost)) 0" "$(moved waits)"
same postgres_no_room_losses "$(remote "SELECT coalesce(sum(bytes), 0) FROM losses WHERE kind = 'store'")" "$lost"
"$FEMTO" --state-dir "$T/state" verify --remote "host=$S user=postgres dbname=postgres" >"$T/out" 2>&1
same postgres_trouble_verify $? 0
daemon_stop
