#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# systemd.sh BUILDDIR - the service as `make install` ships it, on a machine of its own: starts, reloads, kills, breaks
# the configuration, stops, uninstalls; looks at files, users, capabilities and the sandbox.
set -u
. "$(dirname "$0")/machine.sh"
machine_enter systemd "$@"
machine_make

if ! DESTDIR=$root "$top/packaging/install" "$build" > "$work/install.log" 2>&1; then
	fail systemd_install "$(tail -n 1 "$work/install.log")"
	exit 1
fi
cp -R "$top/packaging" "$top/README.md" "$root/run-test/"

machine_boot systemd 150 <<'INSIDE'
systemd-sysusers
systemd-tmpfiles --create femtosnitch.conf
same systemd_verify "$(systemd-analyze verify $unit 2>&1 | grep -i femtosnitch)" ''

if systemctl start $unit && is_state active; then
	ok systemd_start
else
	fail systemd_start "$(log_end 8)"
	journalctl -q --no-pager -o cat -u $unit -n 40 >&2
	exit
fi
main=$(property MainPID)
same systemd_state_dir "$(stat -c '%a %U %G' /var/lib/femtosnitch)" '750 femtosnitch femtosnitch'
same systemd_log_dir "$(stat -c '%a %U %G' /var/log/femtosnitch)" '750 femtosnitch femtosnitch'
same systemd_config_dir "$(stat -c '%a %U %G' /etc/femtosnitch)" '750 root femtosnitch'
same systemd_config "$(stat -c '%a %U %G' /etc/femtosnitch/config.json 2>&1)" '640 root femtosnitch'
same systemd_database "$(stat -c '%a %U %G' /var/lib/femtosnitch/snitch.db 2>&1)" '640 femtosnitch femtosnitch'

# every stage is there, as femtosnitch; the store without one capability; none may gain any
for stage in collector hasher store; do
	pid=$(pgrep -P "$main" -f "femtosnitch-$stage")
	if [ -z "$pid" ]; then
		fail systemd_stage_$stage "is not a child of the main process"
		continue
	fi
	user=$(id -nu "$(awk '/^Uid/ { print $2 }' /proc/"$pid"/status)")
	same systemd_stage_$stage "$user $(awk '/^NoNewPrivs/ { print $2 }' /proc/"$pid"/status)" 'femtosnitch 1'
done
same systemd_store_capabilities "$(awk '/^Cap(Prm|Eff|Inh|Amb)/ { printf "%s ", $2 }' /proc/"$(pgrep -P "$main" -f femtosnitch-store)"/status)" \
	'0000000000000000 0000000000000000 0000000000000000 0000000000000000 '

femtosnitch status > /run-test/status 2>&1
same systemd_status $? 0
systemctl reload $unit
sleep 1
same systemd_reload "$(property ActiveState) $(property MainPID)" "active $main"

# a stage or all of it is killed: the service comes back by itself
kill -KILL "$main"
until_true 300 restarted
same systemd_restart "$(property ActiveState) $(property NRestarts)" 'active 1'
same systemd_no_orphans "$(pgrep -c -f 'libexec/femtosnitch/femtosnitch-store')" 1

# settings that are refused: exit 2, and no loop of restarts
cp -p /etc/femtosnitch/config.json /run-test/config.json
echo '{ "No such key": 1 }' > /etc/femtosnitch/config.json
systemctl restart $unit 2>/dev/null
until_true 100 is_state failed
sleep 6
same systemd_bad_config "$(property ActiveState) $(property ExecMainStatus) $(property NRestarts)" 'failed 2 0'
cp -p /run-test/config.json /etc/femtosnitch/config.json
systemctl reset-failed $unit
systemctl start $unit || fail systemd_start_again "$(log_end)"

score=$(systemd-analyze security --no-pager $unit 2>/dev/null | sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\).*/\1/p')
if [ -z "$score" ]; then
	skip systemd_exposure "this systemd-analyze gives no score"
elif [ "$(echo "$score" | tr -d .)" -le 45 ]; then
	ok "systemd_exposure ($score)"
else
	fail systemd_exposure "$score is more than 4.5"
fi

begin=$(date +%s)
systemctl stop $unit
same systemd_stop "$(property ActiveState) $(property Result) $([ $(($(date +%s) - begin)) -le 6 ] && echo quick)" 'inactive success quick'
same systemd_nothing_left "$(pgrep -f 'femtosnitch-|femtosnitch run')" ''
femtosnitch status > /run-test/status 2>&1
same systemd_status_stopped $? 3
same systemd_database_kept "$(stat -c '%a %U %G' /var/lib/femtosnitch/snitch.db 2>&1)" '640 femtosnitch femtosnitch'

/run-test/packaging/install --remove /nowhere > /run-test/removed 2>&1
same systemd_uninstall "$(ls -d /usr/local/bin/femtosnitch /usr/local/libexec/femtosnitch /usr/local/lib/systemd/system/femtosnitch.service \
	/usr/local/share/man/man?/femtosnitch* /usr/local/lib/*/femtosnitch.conf 2>/dev/null)" ''
same systemd_uninstall_keeps "$(ls /var/lib/femtosnitch/snitch.db /etc/femtosnitch/config.json 2>&1 | wc -l) $(grep -c /var/lib/femtosnitch /run-test/removed)" '2 1'
INSIDE
