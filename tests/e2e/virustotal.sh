#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# virustotal.sh - verdicts, from a server of our own that speaks the API (tests/e2e/virustotal-server): what it says is
# stored and told, what it says wrongly is not; no more requests than allowed, over restarts too; nothing is lost.
. "$(dirname "$0")/lib.sh"
HERE=$(cd "$(dirname "$0")" && pwd)
[ -x "$BUILD/femtosnitch-virustotal" ] || skip_all 'femtosnitch-virustotal was not built'
command -v python3 >/dev/null || skip_all 'needs python3'
rig_start
peer_start
mkdir "$T/vt" "$T/tls"
PORT=$((20000 + $$ % 20000))
"$HERE/virustotal-server" "$T/vt" $PORT >"$T/said/vt" 2>"$T/said/vt.err" &
JOBS="$JOBS $!"
said "$T/said/vt" ready || { fail server "$(cat "$T/said/vt.err")"; exit 1; }
KEY=sesame-$$
config() { # URL
	daemon_config ", \"VT API key\": \"$T/key\", \"VT API URL\": \"$1\", \"VT request limit (seconds)\": ${LIMIT:-0}"
	sed -i 's/"Desktop notifications": false/"Desktop notifications": true/' "$T/config.json"
}
config "http://127.0.0.1:$PORT/api/v3"
echo "$KEY" >"$T/key"
chmod 644 "$T/key"

# The verdict of a program, when there is one, or when so many seconds have passed.
verdict() { # NAME [SECONDS]
	i=0
	until [ -n "$(sql "SELECT verdict FROM programs WHERE exe = '$T/bin/$1' AND verdict IS NOT NULL")" ] ||
		[ $i -ge $((${2:-20} * 5 * SLOW)) ]; do
		i=$((i + 1))
		sleep 0.2
	done
	sql "SELECT verdict FROM programs WHERE exe = '$T/bin/$1'"
}

asked() { # NAME -> how often
	cat "$T/vt/requests" 2>/dev/null | grep -c "/api/v3/files/$(sha256sum "$T/bin/$1" | cut -d' ' -f1)\$"
}

# Have it asked for, wait until it was. Other programs of this machine are asked for as well.
ask() { # NAME ANSWER
	copy "$1" tcp
	echo "$2" >"$T/vt/$(sha256sum "$T/bin/$1" | cut -d' ' -f1)"
	in_a "$T/bin/$1" up $B4 $SINK 1000 >"$T/said/$1"
	i=0
	until [ "$(asked "$1")" != 0 ] || [ $i -ge $((30 * SLOW)) ]; do
		i=$((i + 1))
		sleep 0.5
		[ $((i % 4)) != 0 ] || kill -HUP "$DAEMON" # any pause after a failure is over
	done
	[ "$(asked "$1")" != 0 ] ||
		fail "$1" "was not asked for: $(sql "SELECT hash_error, verdict FROM programs WHERE exe = '$T/bin/$1'")"
}

daemon_start
ask good clean
same clean "$(verdict good)" clean
ask evil bad
same malicious "$(verdict evil)" malicious
same told "$(sql "SELECT outcome FROM notices WHERE kind = 'verdict' AND exe = '$T/bin/evil'")" told
same in_exe_log "$(grep -c " $T/bin/evil (malicious)" "$T/state/exe.log")" 1
same clean_only_when_analysed "$(grep -c " $T/bin/good (clean)" "$T/state/exe.log")" 1
ask unheard 404
same unknown "$(verdict unheard)" unknown
ask unseen nobody
same nobody_looked "$(verdict unseen)" unknown
ask hostile hostile
same nonsense_is_not_clean "$(verdict hostile)" unknown
same key_was_sent "$(grep -vc " $KEY /api/v3/files/" "$T/vt/requests")" 0
same key_is_nowhere "$(grep -rlF "$KEY" "$T/daemon.log" "$T/state" 2>/dev/null; ps -eww -o args= | grep -F "$KEY" | grep -v grep)" ''
# what is no report is no verdict, and not asked for at once again
for way in truncated deep endless; do
	ask way_$way $way
	same no_report_$way "$(verdict way_$way)" unknown
done
# these are asked for later; meanwhile others are
for way in 500 later moved; do
	ask way_$way $way
	same no_verdict_$way "$(sql "SELECT verdict IS NULL FROM programs WHERE exe = '$T/bin/way_$way'")" 1
done
same key_goes_nowhere_else "$(grep -c stolen "$T/vt/requests")" 0

# a server that lets us wait: we do, and nobody else does
ask way_slow slow
act meanwhile tcp up $B4 $SINK 1000
flush
check_sum meanwhile
daemon_stop_clean stop_while_it_waits

# what was not answered is asked again after a restart, but not sooner than allowed
for way in 500 later moved slow; do rm "$T/vt/$(sha256sum "$T/bin/way_$way" | cut -d' ' -f1)"; done
lines=$(wc -l <"$T/vt/requests")
LIMIT=2 config "http://127.0.0.1:$PORT/api/v3"
# the key is a credential of the service now
mkdir "$T/credentials"
mv "$T/key" "$T/credentials/vt-key"
chmod 400 "$T/credentials/vt-key"
sed -i "s|$T/key|credential:vt-key|" "$T/config.json"
export CREDENTIALS_DIRECTORY="$T/credentials"
daemon_start
sleep 8
same key_from_a_credential "$(tail -n +"$lines" "$T/vt/requests" | cut -d' ' -f2 | sort -u)" "$KEY"
same credential_is_nowhere "$(grep -rlFf "$T/credentials/vt-key" "$T/daemon.log" "$T/state" 2>/dev/null
	cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -xFf "$T/credentials/vt-key")" ''
cp "$T/credentials/vt-key" "$T/key"
chmod 644 "$T/key"
same limit_over_restart "$(tail -n +"$lines" "$T/vt/requests" | awk 'NR > 1 && $1 - last < 2 { n++ } { last = $1 } END { print n + 0 }')" 0
config "http://127.0.0.1:$PORT/api/v3"
kill -HUP "$DAEMON"
same after_restart "$(verdict way_500 60)" clean

ask refused 401
sleep 3
if said "$T/state/error.log" 'the key is not accepted (HTTP 401)'; then ok key_refused; else fail key_refused "$(cat "$T/state/error.log")"; fi
lines=$(wc -l <"$T/vt/requests")
act silence tcp up $B4 $SINK 10
sleep 3
same then_silence "$(wc -l <"$T/vt/requests")" "$lines"
rm "$T/vt/$(sha256sum "$T/bin/refused" | cut -d' ' -f1)"

# a certificate that nobody signed
if openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$T/tls/pem" -out "$T/tls/cert" 2>/dev/null; then
	cat "$T/tls/cert" >>"$T/tls/pem"
	"$HERE/virustotal-server" "$T/tls" $((PORT + 1)) "$T/tls/pem" >"$T/said/tls" 2>&1 &
	JOBS="$JOBS $!"
	said "$T/said/tls" ready
	config "https://127.0.0.1:$((PORT + 1))/api/v3"
	act certificate tcp up $B4 $SINK 1000
	kill -HUP "$DAEMON"
	said "$T/daemon.log" 'VirusTotal: .*\(certificate\|SSL\|peer\)' 100
	same certificate "$(verdict certificate 2) $(cat "$T/tls/requests" 2>/dev/null)" ' '
	same certificate_said "$(grep -c 'VirusTotal: .*\(certificate\|SSL\|peer\)' "$T/daemon.log")" 1
else
	skip certificate 'needs openssl'
fi
# ---- uploads: only what is not known there, only the bytes that ran, only when asked for
# What is not known, and the file of it.
unknown() { # NAME [ANSWER]
	copy "$1" tcp
	echo "$1" >>"$T/bin/$1"
	echo "${2:-404}" >"$T/vt/$(name_of "$1")"
}
detail() { # NAME PATTERN: when it is said, or when 60 s have passed: others are asked about too
	i=0
	until sql "SELECT verdict_detail FROM programs WHERE exe = '$T/bin/$1'" | grep -q "$2" || [ $i -ge $((300 * SLOW)) ]; do
		i=$((i + 1))
		sleep 0.2
	done
	sql "SELECT verdict_detail FROM programs WHERE exe = '$T/bin/$1'" | grep -c "$2"
}
run_it() { # NAME: until its SHA-256 is known
	in_a "$T/bin/$1" up $B4 $SINK 1000 >"$T/said/$1"
	i=0
	until [ -n "$(sql "SELECT sha256 FROM programs WHERE exe = '$T/bin/$1'")" ] || [ $i -ge $((50 * SLOW)) ]; do
		i=$((i + 1))
		sleep 0.1
	done
}
name_of() { sha256sum "$T/bin/$1" | cut -d' ' -f1; }

config "http://127.0.0.1:$PORT/api/v3"
kill -HUP "$DAEMON"
same nothing_was_uploaded_so_far "$(ls "$T/vt/uploads" 2>/dev/null)" ''
echo "$(sed 's/"VT API key"/"VT file upload": true, "VT API key"/' "$T/config.json")" >"$T/config.json"
kill -HUP "$DAEMON"
unknown up_small
chmod 700 "$T/bin/up_small" # only root may read it
run_it up_small
same uploaded "$(detail up_small 'uploaded, its analysis is awaited')" 1
cmp "$T/vt/uploads/$(name_of up_small)" "$T/bin/up_small" && ok uploaded_bytes
same uploaded_verdict "$(sql "SELECT verdict, uploaded > 0 FROM programs WHERE exe = '$T/bin/up_small'")" 'uploaded 1'
same uploaded_is_said "$(grep -c "$T/bin/up_small (uploaded)" "$T/state/exe.log")" 1
unknown up_large
head -c 40000000 /dev/urandom >>"$T/bin/up_large"
echo 404 >"$T/vt/$(name_of up_large)"
run_it up_large
same uploaded_large "$(detail up_large 'uploaded, its analysis is awaited')" 1
cmp "$T/vt/uploads/$(name_of up_large)" "$T/bin/up_large" && ok uploaded_large_bytes
same large_has_its_own_way "$(grep -c 'POST /large/1' "$T/vt/requests")" 1
echo "http://127.0.0.2:$PORT/large/1" >"$T/vt/where"
unknown up_astray
head -c 40000000 /dev/urandom >>"$T/bin/up_astray"
echo 404 >"$T/vt/$(name_of up_astray)"
run_it up_astray
same not_to_strangers "$(detail up_astray 'not uploaded: the server named no address of its own')" 1
unknown up_gone late404
run_it up_gone && rm "$T/bin/up_gone"
same gone_is_not_uploaded "$(detail up_gone 'not uploaded: it is not there any more')" 1
unknown up_other late404
run_it up_other && cp "$T/bin/up_small" "$T/bin/up_other.new" && mv "$T/bin/up_other.new" "$T/bin/up_other"
same other_is_not_uploaded "$(detail up_other 'not uploaded: the file there is not')" 1
unknown up_written late404
run_it up_written && echo more >>"$T/bin/up_written"
same written_is_not_uploaded "$(detail up_written 'not uploaded: the file there is not')" 1
echo 403 >"$T/vt/broken"
unknown up_forbidden
run_it up_forbidden
same forbidden "$(detail up_forbidden 'not uploaded: this key may not upload')" 1
echo 500 >"$T/vt/broken"
unknown up_later
run_it up_later
sleep 3
rm "$T/vt/broken"
kill -HUP "$DAEMON"
same uploaded_later "$(detail up_later 'uploaded, its analysis is awaited')" 1
same only_these "$(ls "$T/vt/uploads" | sort)" "$( (name_of up_small; name_of up_large; name_of up_later) | sort)"
same once_each "$(grep -c 'POST /api' "$T/vt/requests")" "$((4))"
i=0
descriptors() { ls -l "/proc/$(stage_pid virustotal)/fd" "/proc/$(stage_pid hasher)/fd" | grep -c "$T/bin/up_"; }
until [ "$(descriptors)" = 0 ] || [ $i -ge $((50 * SLOW)) ]; do
	i=$((i + 1))
	sleep 0.1
done
same no_descriptor_stays "$(descriptors)" 0

kill -KILL "$(stage_pid virustotal)"
if said "$T/state/error.log" 'femtosnitch-virustotal was killed by signal 9'; then ok death_is_said; else fail death_is_said ''; fi
peer_stop
daemon_stop_clean stop
