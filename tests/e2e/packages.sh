#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# packages.sh - programs that rpm, pacman and apk installed: whose they are, one event for an upgrade of many, and
# what is said when the bytes are not the package's. The databases are the test's own; dpkg's is in changes.sh.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start

N=40
sha() { sha256sum "$1" | cut -d' ' -f1; }

# Our daemon sees the package databases of the test.
mkdir -p "$T/db/var/lib/dpkg" "$T/db/var/lib/rpm" "$T/db/var/lib/pacman/local" "$T/db/lib/apk"
made=''
bind() { # DIRECTORY: over it, which may have to be made for the time of the test
	[ -d "/$1" ] || { mkdir -p "/$1" && made="$made /$1"; } || return 1
	binds="$binds $1"
}
binds=''
for dir in var/lib/dpkg var/lib/rpm var/lib/pacman lib/apk; do bind $dir; done
P=$(mktemp -d /opt/femtosnitch-test.XXXXXX) || exit 1
# shellcheck disable=SC2086  # a list
trap 'rm -rf "$P"; [ -z "$made" ] || rmdir $made; rig_end' EXIT
daemon_run() {
	unshare --mount --propagation slave sh -c 'for dir in $2; do mount --bind "$1/$dir" "/$dir" || exit; done
		shift 2 && exec "$@"' sh "$T/db" "$binds" \
		"$FEMTO" run --config "$T/config.json" --state-dir "$T/state" >>"$T/daemon.log" 2>&1 </dev/null &
	DAEMON=$!
}

# The files of version $2 of the programs of manager $1, below directory $3.
fill() { # MANAGER VERSION ROOT
	mkdir -p "$3$P/$1"
	i=0
	while [ $i -lt $N ]; do
		cp "$ACTORS/udp" "$3$P/$1/p$i" && echo "$1 $2 $i" >>"$3$P/$1/p$i"
		i=$((i + 1))
	done
	chmod -R 755 "$3$P"
}

# ---- an installation by each

install_rpm() { # VERSION
	rm -rf "$T/rpmbuild"
	mkdir -p "$T/rpmbuild"
	fill rpm "$1" "$T/rpmbuild/files"
	cat >"$T/rpmbuild/test.spec" <<-EOF
		Name: femtosnitch-test
		Version: $1
		Release: 3
		Epoch: 1
		Summary: test
		License: none
		%description
		test
		%install
		mkdir -p %{buildroot} && cp -a $T/rpmbuild/files/. %{buildroot}
		%files
		$P/rpm/*
	EOF
	HOME=$T/rpmbuild rpmbuild -bb --define "_topdir $T/rpmbuild" --define '_build_id_links none' --define 'debug_package %{nil}' \
		--define '__spec_install_post %{nil}' --define '_rpmfilename test.rpm' "$T/rpmbuild/test.spec" >"$T/said/rpm" 2>&1 &&
		rpm --dbpath "$T/db/var/lib/rpm" --force-debian -U --nodeps "$T/rpmbuild/RPMS/test.rpm" >>"$T/said/rpm" 2>&1
}

install_pacman() { # VERSION
	rm -rf "$T/pacman"
	fill pacman "$1" "$T/pacman"
	printf '[options]\nArchitecture = auto\nSigLevel = Never\n' >"$T/pacman.conf"
	(
		cd "$T/pacman" || exit
		printf 'pkgname = femtosnitch-test\npkgver = %s-1\narch = any\nsize = 1\n' "$1" >.PKGINFO
		{
			printf '#mtree\n/set type=file uid=0 gid=0 mode=755\n'
			find opt -type f -printf './%p\n' | while read -r file; do
				echo "$file time=1.0 size=$(stat -c %s "$file") sha256digest=$(sha "$file")"
			done
		} | gzip -n >.MTREE
		tar -cf "$T/pacman.pkg.tar" .PKGINFO .MTREE opt
	)
	pacman --config "$T/pacman.conf" --dbpath "$T/db/var/lib/pacman" --noconfirm --hookdir "$T/none" --logfile /dev/null \
		-U "$T/pacman.pkg.tar" >"$T/said/pacman" 2>&1
}

# There is no apk here: what it does is done by hand, with its lock held.
install_apk() { # VERSION
	mkdir -p "$T/db/lib/apk/db"
	fill apk "$1" "$T/apk"
	(
		flock -x 9
		mkdir -p "$P/apk"
		for file in "$T/apk$P"/apk/*; do cp "$file" "$P/new" && mv "$P/new" "$P/apk/${file##*/}"; done
		sleep 3
		{
			printf 'C:Q1=\nP:femtosnitch-test\nV:%s-r0\nA:x86_64\nF:%s\nM:0:0:755\n' "$1" "${P#/}/apk"
			for file in "$P"/apk/*; do
				echo "R:${file##*/}"
				echo "Z:Q1$(openssl dgst -sha1 -binary "$file" | base64)"
			done
			echo
		} >"$T/db/lib/apk/db/installed.new"
		mv "$T/db/lib/apk/db/installed.new" "$T/db/lib/apk/db/installed"
	) 9>"$T/db/lib/apk/db/lock"
}

# ---- what is said of it

all_run() { # MANAGER
	in_a "$T/bin/spawn" $N 4 "$P/$1/p%" up $B4 $SINK 1 10 >/dev/null 2>&1 || fail "spawn_$1" 'the actors failed'
}
becomes() { # WHERE WANT QUERY: wait for the answer
	i=0
	until [ "$(sql "$3")" = "$2" ] || [ $i -ge $((300 * SLOW)) ]; do
		i=$((i + 1))
		sleep 0.1
	done
	same "$1" "$(sql "$3")" "$2"
}
test_manager() { # MANAGER FIRST-VERSION SECOND-VERSION, as the database says it
	"install_$1" 1.0 || { fail "$1" "$(tail -n 3 "$T/said/$1")"; return; }
	all_run "$1"
	becomes "$1_owns" "$N femtosnitch-test $2 $1 yes" "SELECT count(*), package, package_version, package_manager, explained
		FROM programs WHERE exe LIKE '$P/$1/p%' GROUP BY 2, 3, 4, 5"
	"install_$1" 2.0 || { fail "$1" "$(tail -n 3 "$T/said/$1")"; return; }
	all_run "$1"
	becomes "$1_one_run_one_event" "changed $N $N femtosnitch-test $3 yes 1" "SELECT kind, count(*), members, package,
		package_version, explained, count(DISTINCT event) FROM changes WHERE exe LIKE '$P/$1/%' AND kind = 'changed'
		GROUP BY 1, 3, 4, 5, 6"
	cp "$ACTORS/udp" "$P/new" && echo other >>"$P/new" && mv "$P/new" "$P/$1/p1"
	in_a "$P/$1/p1" up $B4 $SINK 1 10 >/dev/null 2>&1 || fail "$1" 'the actor failed'
	becomes "$1_not_its_bytes" "no $1 $(sha "$P/$1/p1")" "SELECT explained, package_manager, sha256 FROM changes
		WHERE exe = '$P/$1/p1' AND explained = 'no'"
}

copy spawn spawn
daemon_start
if command -v rpmbuild >/dev/null && command -v rpm >/dev/null; then test_manager rpm 1:1.0-3 1:2.0-3; else skip rpm 'no rpm here'; fi
if command -v pacman >/dev/null; then test_manager pacman 1.0-1 2.0-1; else skip pacman 'no pacman here'; fi
if command -v openssl >/dev/null; then test_manager apk 1.0-r0 2.0-r0; else skip apk 'no openssl here'; fi

# A database that is none: nobody's programs, and no trouble.
rm -f "$T/db/var/lib/rpm"/*
head -c 100000 /dev/urandom >"$T/db/var/lib/rpm/rpmdb.sqlite"
head -c 100000 /dev/urandom >"$T/db/lib/apk/db/installed"
cp "$ACTORS/udp" "$P/broken" && echo broken >>"$P/broken"
in_a "$P/broken" up $B4 $SINK 1 10 >/dev/null 2>&1 || fail broken 'the actor failed'
hashed "$P/broken"
same broken_databases "$(sql "SELECT DISTINCT sha256 FROM connections WHERE exe = '$P/broken'")" "$(sha "$P/broken")"
check_no_losses no_losses
daemon_stop_clean stop
