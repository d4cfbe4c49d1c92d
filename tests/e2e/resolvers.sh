#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# resolvers.sh - each way in which programs get an address for a name: C libraries, one's own resolver, a stub on this
# machine, a container with a library and a resolv.conf of its own; long answers, chains of aliases, IPv6. names.sh has
# the rest. Each program is a copy of its own, and sends its bytes to the last address of the answer.
. "$(dirname "$0")/lib.sh"
rig_start
command -v dnsmasq >/dev/null || skip_all 'needs dnsmasq'
PORT=7443 STUB=127.0.0.153 MANY=198.18.7

# B is at many addresses, all of them of one name: more than fit in a datagram.
ip -n $B route add local $MANY.0/24 dev lo
ip -n $A route add $MANY.0/24 via $B4
i=0
while [ $((i += 1)) -le 60 ]; do echo "$MANY.$i many.example"; done >"$T/many"
serve b sink name sink $PORT
bg_b dnsmasq -k -C /dev/null --pid-file= --no-resolv --no-hosts --local=/example/ --listen-address=$B4,$B6 --bind-interfaces --local-ttl=300 \
	--edns-packet-max=512 --no-round-robin --addn-hosts="$T/many" --host-record=one.example,$B4,$B6 --host-record=six.example,$B6 \
	--cname=a.chain.example,b.chain.example --cname=b.chain.example,c.chain.example --cname=c.chain.example,one.example \
	--host-record=stub.example,$B4B --host-record=shared.example,$MANY.100 --host-record=box.example,$MANY.101 \
	--host-record=resolved.example,$MANY.102 --host-record=www.example.org,$B4 >"$T/said/dnsmasq" 2>&1 &
JOBS="$JOBS $!"
bg_a dnsmasq -k -C /dev/null --pid-file= --no-resolv --no-hosts --listen-address=$STUB,$A4 --bind-interfaces --cache-size=0 \
	--server=$B4 >"$T/said/stub" 2>&1 &
JOBS="$JOBS $!"
daemon_start

# The same as act, with NAMESERVER in its resolv.conf.
act_asking() { # NAMESERVER NAME ACTOR HOST
	[ -x "$ACTORS/$3" ] || { skip "$2" 'needs musl-gcc'; return 1; }
	printf 'nameserver %s\n' "$1" >"$T/resolv.conf"
	copy "$2" "$3"
	in_a unshare -m sh -c 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"' sh "$T/resolv.conf" \
		"$T/bin/$2" "$4" $PORT >"$T/said/$2" 2>"$T/said/$2.err" || fail "$2" "the actor failed: $(cat "$T/said/$2.err")"
}

# As a container has it: a root with a C library and a resolv.conf that nothing else uses.
act_boxed() { # NAME ACTOR HOST INTERPRETER LIBRARY...
	[ -x "$ACTORS/$2" ] || { skip "$1" 'needs musl-gcc'; return 1; }
	box=$T/$1
	box_name=$1
	box_host=$3
	mkdir -p "$box/etc" "$box/bin"
	cp "$ACTORS/$2" "$box/bin/$1"
	shift 3
	for file in "$@"; do
		mkdir -p "$box$(dirname "$file")"
		cp "$(readlink -f "$file")" "$box$file"
	done
	printf 'nameserver %s\n' $B4 >"$box/etc/resolv.conf"
	in_a unshare -m -p -f chroot "$box" "/bin/$box_name" "$box_host" $PORT >"$T/said/$box_name" 2>"$T/said/$box_name.err" ||
		fail "$box_name" "the actor failed: $(cat "$T/said/$box_name.err")"
}

# ---- io_uring: what it moved cannot be looked into, and half of an exchange names nothing. Nobody else has asked yet.
lost() {
	flush
	sql "SELECT coalesce(sum(records), 0) FROM losses WHERE kind = 'name'"
}
name_of() { # NAME -> "DOMAIN SOURCE RESOLVED"
	sql "SELECT DISTINCT coalesce(domain, '-'), coalesce(name_source, '-'), coalesce(domain_resolved, '-')
		FROM connections WHERE exe LIKE '%/bin/$1' AND rport = $PORT"
}
is_seen() { # NAME: a trampoline sees the message that io_uring moves; a name that is read there is right
	grep -q 'hooks trampolines' "$T/daemon.log" && [ "$(name_of "$1")" = 'www.example.org dns -' ]
}
uring() { # NAME WAY BACK
	before=$(lost)
	act "$1" first -a "$3" $PORT -u "$2" $B4 53 "$TOP/tests/fuzz/corpus/dns/question" || return
	after=$(lost)
	if is_seen "$1" || [ "$after" -gt "$before" ]; then
		ok "$1_is_counted"
	else
		fail "$1_is_counted" "$before before, $after after"
	fi
}
uring uring_asks uring recv
uring uring_answers send uring
uring uring_both uring uring
act no_uring first -a recv $PORT -u send $B4 53 "$TOP/tests/fuzz/corpus/dns/question"

# ---- C libraries
act_asking $B4 glibc lookup one.example
act_asking $B4 glibc_chain lookup a.chain.example
act_asking $B6 glibc_6 lookup six.example
act_asking $B4 glibc_many lookup many.example
for musl in musl musl_static; do
	act_asking $B4 $musl lookup_$musl one.example
	act_asking $B4 ${musl}_chain lookup_$musl a.chain.example
	act_asking $B6 ${musl}_6 lookup_$musl six.example
	act_asking $B4 ${musl}_many lookup_$musl many.example
done
printf '%s hosts.example\n' $B4 >"$T/hosts"
if [ -x "$ACTORS/lookup_musl" ]; then # no packet tells this one; a library is watched once it was seen in use for a while
	ACTOR_RATE=$((100 / SLOW)) act_asking $B4 musl_slow lookup_musl one.example
	copy musl_hosts lookup_musl
	in_a unshare -m sh -c 'mount --bind "$1" /etc/hosts && exec "$2" hosts.example "$3"' sh "$T/hosts" \
		"$T/bin/musl_hosts" $PORT >"$T/said/musl_hosts" 2>&1
fi

# ---- one's own
act go name ask go $B4 one.example 4 $PORT
act go_6 name ask go $B6 one.example 6 $PORT
act go_chain name ask go $B4 a.chain.example 4 $PORT
act go_many name ask go $B4 many.example 4 $PORT

# ---- a stub: who asks it is told, who does not shares what the stub was told
act_asking $STUB stub lookup stub.example
if command -v dig >/dev/null; then
	in_b dig +tries=1 +short @$A4 shared.example >"$T/said/dig"
	act stub_shared name go $MANY.100 $PORT
else
	skip stub_shared 'needs dig'
fi

# ---- containers
act_boxed box lookup box.example $(ldd "$ACTORS/lookup" | grep -o '/[^ ]*')
act_boxed box_musl lookup_musl box.example /lib/ld-musl-"$(uname -m)".so.1

flush
named() { # NAME WANT
	[ -e "$T/said/$1" ] || return # skipped
	same "$1" "$(name_of "$1")" "$2"
}
for name in uring_asks uring_answers uring_both; do
	if is_seen $name; then ok $name; else named $name '- - -'; fi
done
named no_uring 'www.example.org dns -'
named glibc 'one.example dns -'
named glibc_chain 'a.chain.example dns -'
named glibc_6 'six.example dns -'
named glibc_many 'many.example dns -'
for musl in musl musl_static; do
	named $musl 'one.example dns -'
	named ${musl}_chain 'a.chain.example dns -'
	named ${musl}_6 'six.example dns -'
	named ${musl}_many 'many.example dns -'
done
named musl_hosts 'hosts.example libc -'
named go 'one.example dns -'
named go_6 'one.example dns -'
named go_chain 'a.chain.example dns -'
named go_many 'many.example dns -'
named stub 'stub.example dns -'
named stub_shared 'shared.example shared -'
named box 'box.example dns -'
named box_musl 'box.example dns -'
# what was asked over TCP was asked in vain before
same fell_back "$(sql "SELECT count(DISTINCT exe) FROM connections WHERE rport = 53 AND protocol = 6
	AND exe IN ('$T/bin/glibc_many', '$T/bin/go_many')")" 2
check_no_losses no_losses
