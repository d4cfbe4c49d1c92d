#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# restart.sh BUILDDIR - programs go on talking while the service restarts, and while its processes are killed: every
# byte is in the log, once, and nobody says that nobody watched. With another version, or without a store for
# descriptors, there is a gap, and it is said. After a stop nothing is left in the kernel.
set -u
. "$(dirname "$0")/machine.sh"
machine_enter restart "$@"
for tool in sqlite3 bpftool ip; do
	command -v $tool >/dev/null || { skip restart "$tool is not installed"; exit 0; }
done
machine_make
if ! DESTDIR=$root "$top/packaging/install" "$build" > /mnt/install.log 2>&1; then
	fail restart_install "$(tail -n 1 /mnt/install.log)"
	exit 1
fi
mkdir $root/run-test/bin
cp "$build/tests/actors/steady" $root/run-test/ || { fail restart_install 'no actor'; exit 1; }
printf '[Service]\nRestartSec=1\n' > $root/etc/systemd/user/$unit.d/soon.conf
machine_boot /usr/local/lib/systemd/system
systemd-sysusers femtosnitch.conf
config=/etc/femtosnitch/config.json
db=/var/lib/femtosnitch/snitch.db
modes='udp fan tcp calls programs lasting'

# configure PAGES: rows every second, and a ring that has room for what this machine does while nobody reads it
configure()
{
	mkdir -p /etc/femtosnitch
	printf '{ "DB write limit (seconds)": 1, "Desktop notifications": false, "Perf ring buffer (pages)": %s }\n' \
		"$1" > $config
}

sql()
{
	sqlite3 -readonly -batch -noheader -separator ' ' -cmd '.timeout 5000' $db "$1"
}

gaps()
{
	sql "SELECT count(*) FROM losses WHERE kind = 'not watching'"
}

coverage()
{
	femtosnitch status 2>/dev/null | sed -n 's/^coverage collector: //p'
}

is_ready()
{
	femtosnitch status 2>/dev/null | grep -q '^state: running'
}

# One of each way of talking, each a program of its own, in a network of their own.
talk()
{
	round=$1
	for mode in $modes; do
		cp /run-test/steady "/run-test/bin/${round}_$mode"
		printf '%s\n' "${round}_$mode" >> "/run-test/bin/${round}_$mode"
		cp "/run-test/bin/${round}_$mode" "/run-test/bin/${round}_${mode}_child"
		unshare -n sh -c 'ip link set lo up; exec "$@"' talk "/run-test/bin/${round}_$mode" $mode \
			$(case $mode in programs | lasting) echo "/run-test/bin/${round}_${mode}_child" ;; esac) \
			> "/run-test/${round}_$mode.said" 2>&1 &
		talking="$talking $!"
	done
	sleep 1
}

# They end; what each said is what the log must have.
quiet()
{
	kill -TERM $talking
	wait $talking
	talking=
	femtosnitch query --now "SELECT 1" > /dev/null 2>&1
}
talking=

logged() # PROGRAM
{
	sql "SELECT coalesce(sum(send), 0) || ' ' || coalesce(sum(recv), 0) FROM connections WHERE exe = '/run-test/bin/$1'"
}

moved() # PROGRAM
{
	sed -n 's/^sent \([0-9]*\) received \([0-9]*\)$/\1 \2/p' "/run-test/$1.said"
}

who() # ROUND MODE: the program that moves the bytes
{
	case $2 in programs | lasting) echo "$1_$2_child" ;; *) echo "$1_$2" ;; esac
}

# Records that found the kernel's maps full (this test does not fill them, another one on this machine may), and the
# rare kill that hits a read.
overfull()
{
	sql "SELECT coalesce(sum(records), 0) FROM losses WHERE kind IN ('ring full', 'overflow full')
		OR detail LIKE 'the collector was killed while%'"
}

exact() # ROUND
{
	full_now=$(overfull)
	for mode in $modes; do
		got=$(logged "$(who "$1" $mode)")
		want=$(moved "$1_$mode")
		if [ "$got" != "$want" ] && [ "$full_now" -gt "$full" ]; then
			skip "restart_$1_$mode" "said to be lost: maps of the kernel were full, or a read was hit ($got of $want)"
		else
			same "restart_$1_$mode" "$got" "$want"
		fi
	done
	full=$full_now
}
full=0

# Every program, map and link that the collector has, "prog 12" a line.
objects()
{
	for f in /proc/"$(stage_pid collector)"/fdinfo/*; do
		sed -n 's/^\(prog\|map\|link\)_id:[[:space:]]*\([0-9]*\)$/\1 \2/p' "$f" 2>/dev/null
	done | sort -u
}

left() # FILE: what of these is in the kernel
{
	while read -r kind id; do
		bpftool "$kind" show id "$id" >/dev/null 2>&1 && echo "$kind $id"
	done < "$1"
}

# every descriptor of such an object, and the journal
stored_all()
{
	[ "$(property NFileDescriptorStore)" = $(($(held) + 1)) ]
}

held()
{
	grep -lE '^(prog|map|link)_id:' /proc/"$(stage_pid collector)"/fdinfo/* 2>/dev/null | wc -l
}

nothing_left()
{
	[ -z "$(left "$1")" ]
}

# started_again PID: it has another main process than that, and works
started_again()
{
	[ "$(property MainPID)" != "$1" ] && is_ready
}

# kill_one STAGE: SIGKILL, and wait until the service is back
kill_one()
{
	before=$(property MainPID)
	case $1 in
	supervisor) kill -KILL "$before" ;;
	*) kill -KILL "$(stage_pid "$1")" ;;
	esac
	until_true 300 started_again "$before"
}

configure 2048
ctl start $unit
if is_state active; then
	ok restart_start
else
	fail restart_start "$(property Result)"
	cat /run-test/unit.log /run-test/manager.log
	exit
fi
objects > /run-test/objects
until_true 50 stored_all
same restart_stored "$(property NFileDescriptorStore)" "$(($(held) + 1))"
first_gaps=$(gaps)

# ---- restarts that somebody ordered
objects > /run-test/objects
talk ordered
for time in 1 2; do
	ctl restart $unit
	same restart_ordered_works_$time "$(property ActiveState) $(is_ready && echo ready)" 'active ready'
	same restart_ordered_taken_over_$time "$(coverage | grep -c '^taken over after')" 1
	sleep 1.5
done
objects > /run-test/objects.again
same restart_ordered_same_objects "$(cat /run-test/objects.again)" "$(cat /run-test/objects)"
quiet
exact ordered
same restart_ordered_no_gap "$(($(gaps) - first_gaps))" 0

# ---- every process is killed once
for stage in store hasher collector supervisor; do
	talk $stage
	kill_one $stage
	same restart_${stage}_killed_taken_over "$(coverage | grep -c '^taken over after')" 1
	sleep 1.5
	quiet
	exact $stage
	same restart_${stage}_killed_no_gap "$(($(gaps) - first_gaps))" 0
done
objects > /run-test/objects.again
same restart_killed_same_objects "$(cat /run-test/objects.again)" "$(cat /run-test/objects)"
# other kinds are what the rest of this machine does to the kernel's maps
same restart_no_losses "$(sql "SELECT kind, records, bytes, detail FROM losses WHERE kind IN ('pipe', 'image', 'store')
	AND detail NOT LIKE 'the collector was killed while%'")" ''
same restart_nothing_unattributed "$(sql "SELECT count(*) FROM connections WHERE exe IS NULL")" 0

same restart_own_traffic "$(sql "SELECT count(*) FROM connections WHERE exe = '/usr/local/libexec/femtosnitch/femtosnitch-collector'")" 0

# ---- a look at the machine leaves it alone
femtosnitch doctor > /run-test/doctor 2>&1
same restart_doctor "$(grep -c 'hooks .* attached' /run-test/doctor) $(property NFileDescriptorStore)" "1 $(($(held) + 1))"

# ---- a module came that has functions to be hooked: watched from then on, also during a restart
hooked()
{
	coverage | sed -n 's/^hooks .*: \([0-9]*\) attached$/\1/p'
}
more()
{
	[ "$(hooked)" -gt "$before" ]
}
before=$(hooked)
if coverage | grep -q '^refused .*geneve.*: module geneve is not loaded' && modprobe geneve 2>/dev/null; then
	until_true 300 more
	same restart_module_watched "$(coverage | grep -c '^module geneve: watched since')" 1
	objects > /run-test/objects
	until_true 50 stored_all
	ctl restart $unit
	same restart_module_taken_over "$(coverage | grep -c '^taken over after') $(more && echo more)" '1 more'
	same restart_module_kept "$(coverage | grep -c '^module geneve: watched since') $(sql "SELECT count(*) FROM losses
		WHERE detail LIKE 'module geneve%'")" '1 1'
else
	skip restart_module "trampolines do not work here, or there is no module geneve"
fi

# ---- another version of what is in the kernel: nothing is taken over, and that is said
talk upgrade
configure 1024
ctl restart $unit
same restart_upgrade_not_taken_over "$(coverage | grep -c '^taken over after')" 0
until_true 100 nothing_left /run-test/objects
same restart_upgrade_old_is_gone "$(left /run-test/objects)" ''
objects > /run-test/objects
until_true 50 stored_all
same restart_upgrade_stored "$(property NFileDescriptorStore)" "$(($(held) + 1))"
sleep 1
quiet
same restart_upgrade_gap "$(($(gaps) - first_gaps))" 1
for mode in $modes; do
	got=$(logged "$(who upgrade $mode)")
	want=$(moved upgrade_$mode)
	if [ "${got% *}" -gt 0 ] && [ "${got% *}" -le "${want% *}" ] && [ "${got#* }" -le "${want#* }" ]; then
		ok "restart_upgrade_once_$mode ($got of $want)"
	else
		fail restart_upgrade_once_$mode "'$got' of '$want'"
	fi
done

# ---- the end: systemd lets go, and the next start knows of the time between
ctl stop $unit
until_true 100 nothing_left /run-test/objects
same restart_stop_leaves_nothing "$(property ActiveState) $(left /run-test/objects)" 'inactive '
sleep 2
ctl start $unit
same restart_stop_not_taken_over "$(coverage | grep -c '^taken over after')" 0
femtosnitch query --now "SELECT 1" > /dev/null 2>&1
same restart_stop_gap "$(($(gaps) - first_gaps))" 2

# ---- where nobody keeps descriptors, a restart is a gap
printf '[Service]\nFileDescriptorStoreMax=0\n' > /etc/systemd/user/$unit.d/no-store.conf
ctl daemon-reload
ctl stop $unit
ctl start $unit
objects > /run-test/objects
talk alone
ctl restart $unit
same restart_alone_not_taken_over "$(property NFileDescriptorStore) $(coverage | grep -c '^taken over after')" '0 0'
same restart_alone_old_is_gone "$(left /run-test/objects)" ''
quiet
same restart_alone_gap "$(($(gaps) - first_gaps))" 4
ctl stop $unit
