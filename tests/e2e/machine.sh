# SPDX-License-Identifier: GPL-2.0-or-later
# machine.sh - a machine of its own for a test: systemd as PID 1 of a container over an overlay of this machine's
# root, so that nothing of it is touched. Sourced by the tests that install something. It is this kernel, with
# another process, network and mount namespace: what BPF sees there is proven by the other tests.
#
#   machine_enter NAME "$@"    first of all: go into a mount namespace of its own, or SKIP and exit
#   machine_make               $root is the machine's root directory, $work a place beside it
#   machine_boot NAME SECONDS  boots it; runs the script on stdin in it, which starts with the functions of
#                              report.sh and those below; passes on what it printed
. "$(dirname "$0")/../report.sh"
top=$(cd "$(dirname "$0")/../.." && pwd)

machine_enter()
{
	name=$1
	build=$(cd "${2:?usage: $0 BUILDDIR}" && pwd) || exit 1
	[ "${3:-}" != --inside ] || return 0
	if [ "$(id -u)" != 0 ]; then
		skip "$name" "needs root"
		exit 0
	fi
	for tool in systemd-nspawn unshare systemctl; do
		if ! command -v $tool >/dev/null 2>&1; then
			skip "$name" "$tool is not installed"
			exit 0
		fi
	done
	if [ ! -x /lib/systemd/systemd ]; then
		skip "$name" "no systemd to be PID 1"
		exit 0
	fi
	exec unshare -m --propagation private "$0" "$build" --inside
}

machine_make()
{
	work=$(mktemp -d /tmp/femtosnitch-machine.XXXXXX)
	trap 'umount -R -l "$work" 2>/dev/null; rmdir "$work" 2>/dev/null' EXIT
	mount -t tmpfs none "$work" && mkdir "$work/upper" "$work/inner" "$work/root" || exit 1
	root=$work/root
	if ! mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/inner" "$root" 2>/dev/null; then
		skip "$name" "no overlay over / here"
		exit 0
	fi
	# what this machine may have of ours is not there
	rm -rf "$root/etc/machine-id" "$root/var/lib/femtosnitch" "$root/var/log/femtosnitch" "$root/etc/femtosnitch" \
		"$root/etc/systemd/system/multi-user.target.wants/femtosnitch.service"
	: > "$root/etc/machine-id"
	mkdir -p "$root/run-test"
	cat > "$root/etc/systemd/system/run-test.target" <<-'UNIT'
		[Unit]
		Requires=basic.target
		Wants=run-test.service
		After=basic.target
		AllowIsolate=yes
	UNIT
	cat > "$root/etc/systemd/system/run-test.service" <<-'UNIT'
		[Unit]
		After=basic.target
		[Service]
		Type=oneshot
		ExecStart=/bin/sh -c 'sh /run-test/inside.sh > /run-test/lines 2> /run-test/log; systemctl exit 0 --force'
		TimeoutStartSec=infinity
	UNIT
}

# For the script inside.
machine_functions()
{
	cat "$top/tests/report.sh"
	cat <<-'INSIDE'
		unit=femtosnitch.service

		# property NAME: of the unit
		property()
		{
			systemctl show -P "$1" $unit
		}

		# until_true TENTHS COMMAND...
		until_true()
		{
			tenths=$1
			shift
			while ! "$@"; do
				tenths=$((tenths - 1))
				[ $tenths -gt 0 ] || return 1
				sleep 0.1
			done
		}

		same()
		{
			if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "got '$2', want '$3'"; fi
		}

		is_state()
		{
			[ "$(property ActiveState)" = "$1" ]
		}

		log_end()
		{
			journalctl -q --no-pager -o cat -u $unit -n "${1:-4}" | tr '\n' '|'
		}

		restarted()
		{
			[ "$(property NRestarts)" = 1 ] && is_state active
		}
	INSIDE
}

machine_boot()
{
	{ machine_functions; cat; } > "$root/run-test/inside.sh"
	# BPF and fanotify need what a container usually does not get.
	rc=0
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 timeout -k 3 "$2" systemd-nspawn -q -D "$root" --register=no --keep-unit \
		--private-network --console=read-only --capability=all \
		--system-call-filter='bpf perf_event_open fanotify_init @known' --boot systemd.unit=run-test.target \
		< /dev/null > "$work/console" 2>&1 || rc=$?
	if [ -s "$root/run-test/lines" ]; then
		cat "$root/run-test/lines" "$root/run-test/log"
		[ $rc != 124 ] || fail "$1" "not done after $2 s"
	elif [ $rc = 124 ] || [ -e "$root/run-test/log" ]; then
		fail "$1" "nothing came out of the container, exit code $rc"
		tail -n 20 "$work/console"
	else
		skip "$1" "systemd-nspawn does not boot here, exit code $rc: $(grep -av '^$' "$work/console" | tail -n 1)"
	fi
}
