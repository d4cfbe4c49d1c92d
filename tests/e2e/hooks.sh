#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# hooks.sh BUILDDIR - the set of hooks that the configuration asks for is used, or it is said that it cannot be and
# the other one is; what runs stands in `status`, one item per line.
. "$(dirname "$0")/lib.sh"
rig_start
peer_start

coverage() { sed -n 's/^coverage collector: //p' "$T/status"; }

# Start with a set; what came of it is in $T/status.
start_with() { # SET
	daemon_config ", \"Hooks\": \"$1\""
	daemon_start
	"$FEMTO" status --state-dir "$T/state" >"$T/status"
	used=$(coverage | sed -n 's/^hooks \([a-z]*\): [0-9]* attached$/\1/p')
}

start_with auto
same hooks_kernel "$(coverage | sed -n 's/^kernel //p')" "$(uname -r)"
case $used in
tracepoints | trampolines) ok "hooks_auto ($used)" ;;
*) fail hooks_auto "$(coverage)" ;;
esac
same hooks_auto_proven "$(coverage | grep 'NOT PROVEN')" ''
same hooks_refused_not_in_ready_line "$(grep -c 'ready;.* refused ' "$T/daemon.log")" 0
daemon_stop

for set in tracepoints trampolines; do
	start_with $set
	if [ "$used" = $set ]; then
		ok hooks_$set
	elif coverage | grep -q "^NOT PROVEN: $set: cannot be used here, the other set is$" &&
		grep -q "NOT PROVEN: $set" "$T/daemon.log" &&
		[ "$(sql "SELECT count(*) FROM losses WHERE kind = 'hook' AND detail LIKE '%$set: cannot be used%'")" -ge 1 ]; then
		ok "hooks_$set (not here, and said so)"
	else
		fail hooks_$set "$(coverage)"
	fi
	act hooks_udp udp up $B4 $SINK 50 100
	flush
	check_sum hooks_udp
	rm -f "$T/bin/hooks_udp"
	daemon_stop
	rm -rf "$T/state"
done
exit $FAILED
