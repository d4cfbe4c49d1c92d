#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# systemd.sh BUILDDIR - the service as `make install` ships it: starts, reloads, is killed, meets a broken
# configuration, stops, is uninstalled; files, users, capabilities and the sandbox are looked at.
set -u
. "$(dirname "$0")/machine.sh"
machine_enter systemd "$@"
machine_make
if ! DESTDIR=$root "$top/packaging/install" "$build" > /mnt/install.log 2>&1; then
	fail systemd_install "$(tail -n 1 /mnt/install.log)"
	exit 1
fi
machine_boot /usr/local/lib/systemd/system
systemd-sysusers femtosnitch.conf
same systemd_verify "$(systemd-analyze verify $unit 2>&1 | grep -i femtosnitch)" ''

ctl start $unit
if is_state active; then
	ok systemd_start
else
	fail systemd_start "$(property Result)"
	cat /run-test/unit.log /run-test/manager.log
	exit
fi
main=$(property MainPID)
same systemd_state_dir "$(stat -c '%a %U %G' /var/lib/femtosnitch)" '750 femtosnitch femtosnitch'
same systemd_log_dir "$(stat -c '%a %U %G' /var/log/femtosnitch)" '750 femtosnitch femtosnitch'
same systemd_config_dir "$(stat -c '%a %U %G' /etc/femtosnitch)" '750 root femtosnitch'
same systemd_config "$(stat -c '%a %U %G' /etc/femtosnitch/config.json 2>&1)" '640 root femtosnitch'
same systemd_database "$(stat -c '%a %U %G' /var/lib/femtosnitch/snitch.db 2>&1)" '640 femtosnitch femtosnitch'
same systemd_proven "$(grep -c 'NOT PROVEN\|Operation not permitted\|Permission denied' /run-test/unit.log)" 0

# every stage is there, as femtosnitch, in the sandbox, with the capabilities that it needs to its end and no other
capabilities_of() { # STAGE
	case $1 in
	collector) echo 0000008000000000 ;; # BPF
	hasher) echo 0000000000280004 ;; # SYS_ADMIN SYS_PTRACE DAC_READ_SEARCH
	store) echo 0000000000000000 ;;
	esac
}
none=0000000000000000
for stage in collector hasher store; do
	status=/proc/$(stage_pid $stage)/status
	user=$(id -nu "$(awk '/^Uid/ { print $2 }' "$status")")
	own=$(capabilities_of $stage)
	same systemd_stage_$stage "$user $(awk '/^(NoNewPrivs|Seccomp):/ { printf "%s ", $2 }' "$status")" 'femtosnitch 1 2 '
	same systemd_capabilities_$stage "$(awk '/^Cap(Prm|Eff|Inh|Amb|Bnd)/ { print $1, $2 }' "$status" | sort | tr '\n' ' ')" \
		"CapAmb: $none CapBnd: $none CapEff: $own CapInh: $none CapPrm: $own "
done
# where the kernel asks for it to look at packets (6.1 does, this one may not)
same systemd_net_admin "$(property CapabilityBoundingSet | grep -cw cap_net_admin)" 1
# the counters of every socket of the machine are charged to the unit: a limit there is a way to have us killed
same systemd_no_limit_of_the_unit "$(property MemoryHigh) $(property MemoryMax)" 'infinity infinity'
same systemd_limit_of_each "$(awk '/^Max data size/ { print $4, $5 }' "/proc/$(stage_pid collector)/limits")" '268435456 268435456'
same systemd_read_only "$(nsenter -t "$main" -m touch /usr/x /etc/x /var/x 2>&1 | grep -c 'Read-only')" 3

femtosnitch status > /run-test/status 2>&1
same systemd_status $? 0
ctl reload $unit
sleep 1
same systemd_reload "$(property ActiveState) $(property MainPID)" "active $main"

# the whole of it is killed: the service comes back by itself, and nobody of the old one stays
old=$(stage_pid '')
kill -KILL "$main"
until_true 300 restarted
same systemd_restart "$(property ActiveState) $(property NRestarts)" 'active 1'
same systemd_no_orphans "$(for pid in $old; do [ ! -d "/proc/$pid" ] || echo "$pid"; done)" ''

# settings that are refused: exit 2, and no loop of restarts
cp -p /etc/femtosnitch/config.json /run-test/config.json
echo '{ "No such key": 1 }' > /etc/femtosnitch/config.json
ctl restart $unit 2>/dev/null
until_true 100 is_state failed
sleep 6 # RestartSec and one more
same systemd_bad_config "$(property ActiveState) $(property ExecMainStatus) $(property NRestarts)" 'failed 2 0'
cp -p /run-test/config.json /etc/femtosnitch/config.json
ctl reset-failed $unit
ctl start $unit
same systemd_start_again "$(property ActiveState)" active

score=$(systemd-analyze security --offline=yes --no-pager /usr/local/lib/systemd/system/$unit 2>/dev/null |
	sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\).*/\1/p')
if [ -z "$score" ]; then
	skip systemd_exposure "this systemd-analyze gives no score"
elif [ "$(echo "$score" | tr -d .)" -le 42 ]; then
	ok "systemd_exposure ($score)"
else
	fail systemd_exposure "$score is more than 4.2"
fi

all="$(property MainPID) $(stage_pid '')"
begin=$(date +%s)
ctl stop $unit
same systemd_stop "$(property ActiveState) $(property Result) $([ $(($(date +%s) - begin)) -le 6 ] && echo quick)" 'inactive success quick'
same systemd_nothing_left "$(for pid in $all; do [ ! -d "/proc/$pid" ] || echo "$pid"; done)" ''
femtosnitch status > /run-test/status 2>&1
same systemd_status_stopped $? 3
same systemd_database_kept "$(stat -c '%a %U %G' /var/lib/femtosnitch/snitch.db 2>&1)" '640 femtosnitch femtosnitch'

/run-test/packaging/install --remove > /run-test/removed 2>&1
same systemd_uninstall "$(find /usr/local -name '*femtosnitch*')" ''
same systemd_uninstall_keeps "$(ls /var/lib/femtosnitch/snitch.db /etc/femtosnitch/config.json 2>/dev/null | wc -l) $(grep -c /var/lib/femtosnitch /run-test/removed)" '2 1'
