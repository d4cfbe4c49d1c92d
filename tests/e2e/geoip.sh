#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# geoip.sh - `geoip update`, from a server of our own: what is whole and of the right kind comes into place, by nobody
# privileged; nothing else does, and what was there stays.
. "$(dirname "$0")/lib.sh"
MAKER=$BUILD/tests/unit/store/test_geoip
[ "$(id -u)" = 0 ] || skip_all 'needs root'
command -v python3 >/dev/null || skip_all 'needs python3'
[ -x "$MAKER" ] || skip_all 'test_geoip, which makes databases, was not built'
T=$(mktemp -d /tmp/femtosnitch-test.XXXXXX) || exit 1
trap 'kill $JOBS 2>/dev/null; rm -rf "$T"' EXIT
chmod 755 "$T"
mkdir "$T/www" "$T/state"
chown 65534:65534 "$T/state"
PORT=$((20000 + $$ % 20000))
(cd "$T/www" && exec python3 -m http.server --bind 127.0.0.1 $PORT) >/dev/null 2>"$T/requests" &
JOBS=$!
URL="http://127.0.0.1:$PORT/{database}-{month}.mmdb.gz"
NOW=$(date -u +%Y-%m)
BEFORE=$(date -u -d "$(date -u +%Y-%m-01) -1 day" +%Y-%m)
i=0
until (exec 3<>/dev/tcp/127.0.0.1/$PORT) 2>/dev/null || python3 -c "import socket; socket.create_connection(('127.0.0.1', $PORT))" 2>/dev/null ||
	[ $i -ge 50 ]; do
	i=$((i + 1))
	sleep 0.2
done

update() { # -> exit code; what it said is in said
	"$FEMTO" --state-dir "$T/state" --config "$T/none" geoip update --url "$URL" >"$T/said" 2>&1
	echo $?
}

publish() { # FILE DATABASE MONTH
	gzip -c "$1" >"$T/www/$2-$3.mmdb.gz"
}

"$MAKER" make country "$T/country"
"$MAKER" make asn "$T/asn"

same nothing_there "$(update)" 1
grep -q 'HTTP 404' "$T/said" && ok says_why || fail says_why "$(cat "$T/said")"
publish "$T/country" country "$BEFORE" # that of this month is not made yet
publish "$T/asn" asn "$NOW"
same fetched "$(update)" 0
grep -q 'IP Geolocation by DB-IP, https://db-ip.com' "$T/said" && ok attribution || fail attribution "$(cat "$T/said")"
same whole "$(cat "$T/country" "$T/asn" | sha256sum)" "$(cat "$T/state/geoip/country.mmdb" "$T/state/geoip/asn.mmdb" | sha256sum)"
same unprivileged "$(stat -c '%u %a' "$T/state/geoip/asn.mmdb")" '65534 640'
asked=$(grep -c GET "$T/requests")
same again "$(update)" 0
same not_fetched_again "$(grep -c GET "$T/requests")" "$asked"

# What must not come into place.
refused() { # NAME: what is published as country is
	rm -f "$T/state/geoip/country.mmdb"
	cp "$T/asn" "$T/state/geoip/country.mmdb" # of no month for this: it is fetched
	before=$(sha256sum <"$T/state/geoip/country.mmdb")
	same "$1" "$(update)" 1
	same "$1_stays" "$(sha256sum <"$T/state/geoip/country.mmdb")" "$before"
	same "$1_leaves_nothing" "$(ls "$T/state/geoip")" "$(printf 'asn.mmdb\ncountry.mmdb')"
}
publish "$T/asn" country "$NOW"
refused another_kind
echo '<html>not found</html>' >"$T/page"
publish "$T/page" country "$NOW"
refused a_page
gzip -c "$T/country" | head -c 100 >"$T/www/country-$NOW.mmdb.gz"
refused cut_short
head -c 200 "$T/country" >"$T/half"
publish "$T/half" country "$NOW"
refused half_a_database
rm "$T/www/country-$NOW.mmdb.gz" "$T/www/country-$BEFORE.mmdb.gz"
cp "$T/country" "$T/www/country-$NOW.mmdb.gz" # a server that unpacks it
rm "$T/state/geoip/country.mmdb"
same not_packed "$(update)" 0
URL=http://198.51.100.1/{database}
same only_https "$(update)" 2
exit $FAILED
