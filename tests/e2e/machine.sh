# SPDX-License-Identifier: GPL-2.0-or-later
# machine.sh - a place to install things in, for the tests that do: a mount namespace whose root is an overlay over
# this machine's root, so that nothing of it is touched, and a service manager that runs only what the test starts.
# Sourced. The manager is root's user instance of systemd: it takes the same unit file and applies the same sandbox
# as PID 1 does, and works in the machine's own process namespace, without which BPF and /proc would disagree.
#
#   machine_enter NAME "$@"   first of all: go into a mount namespace, or SKIP and exit
#   machine_make              $root is the new root directory: install into it
#   machine_boot UNITDIR      from here on / is that root, and the unit in UNITDIR can be started: ctl start $unit
. "$(dirname "$0")/../report.sh"
top=$(cd "$(dirname "$0")/../.." && pwd)
unit=femtosnitch.service
manager=

machine_enter()
{
	name=$1
	build=$(cd "${2:?usage: $0 BUILDDIR}" && pwd) || exit 1
	[ "${3:-}" != --inside ] || return 0
	if [ "$(id -u)" != 0 ]; then
		skip "$name" "needs root"
		exit 0
	fi
	for tool in unshare pivot_root setsid systemctl systemd-analyze systemd-sysusers; do
		if ! command -v $tool >/dev/null 2>&1; then
			skip "$name" "$tool is not installed"
			exit 0
		fi
	done
	if ! unshare -m --propagation private true 2>/dev/null; then
		skip "$name" "no mount namespaces here"
		exit 0
	fi
	exec unshare -m --propagation private "$0" "$build" --inside
}

# It all hangs below /mnt of this namespace, and goes with it.
machine_make()
{
	root=/mnt/root
	if ! mount -t tmpfs none /mnt || ! mkdir /mnt/upper /mnt/inner $root ||
		! mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/inner $root 2>/dev/null; then
		skip "$name" "no overlay over / here"
		exit 0
	fi
	# what this machine may have of ours is not there
	rm -rf $root/var/lib/femtosnitch $root/var/log/femtosnitch $root/etc/femtosnitch \
		$root/etc/systemd/system/femtosnitch.service* $root/etc/systemd/user/femtosnitch.service*
	mkdir -p $root/run-test $root/old-root $root/etc/systemd/user/$unit.d
	cp -R "$top/packaging" "$top/README.md" $root/run-test/
	printf '[Service]\nStandardError=append:/run-test/unit.log\n' > $root/etc/systemd/user/$unit.d/log.conf
}

ctl()
{
	systemctl --user "$@"
}

machine_halt()
{
	ctl stop $unit 2>/dev/null
	ctl exit 2>/dev/null
	kill -KILL "$manager" 2>/dev/null
}

machine_boot()
{
	for dir in proc dev sys; do
		mount --rbind /$dir $root/$dir || exit 1
	done
	cd $root && pivot_root . old-root && umount -l /old-root && cd / || exit 1
	mount -t tmpfs none /run
	mount -t tmpfs none /mnt
	# what PID 1 prepares for the sandboxes of services
	mkdir -p /run/systemd/system /run/systemd/inaccessible/dir /run/manager
	touch /run/systemd/inaccessible/reg
	mkfifo /run/systemd/inaccessible/fifo /run/systemd/inaccessible/sock
	mknod /run/systemd/inaccessible/chr c 0 0
	mknod /run/systemd/inaccessible/blk b 0 0
	ln -s "$1/$unit" /etc/systemd/user/$unit
	export XDG_RUNTIME_DIR=/run/manager SYSTEMD_IGNORE_CHROOT=1
	/lib/systemd/systemd --user --unit=basic.target > /run-test/manager.log 2>&1 < /dev/null &
	manager=$!
	trap machine_halt EXIT
	if ! until_true 100 ctl is-active -q basic.target 2>/dev/null; then
		skip "$name" "systemd does not work as a user manager here: $(tail -n 1 /run-test/manager.log)"
		exit 0
	fi
}

# property NAME: of the unit
property()
{
	ctl show -P "$1" $unit
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

restarted()
{
	[ "$(property NRestarts)" = 1 ] && is_state active
}

# stage_pid NAME: of the running service; all processes of it: stage_pid ''
stage_pid()
{
	pgrep -P "$(property MainPID)" -f "femtosnitch-$1"
}
