#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# containers.sh - where a program ran: container, unit and network namespace, told by the cgroups that runtimes and
# systemd make (here the test makes them: no runtime is needed), also of a container that was gone before anybody
# looked; and where a socket was made that somebody else uses.
. "$(dirname "$0")/lib.sh"
command -v unshare >/dev/null || skip_all 'needs unshare'
CG=$(awk '$4 == "/" && / - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
[ -n "$CG" ] || skip_all 'no cgroup v2 is mounted here'
rig_start
peer_start

# ---- cgroups

# Makes a cgroup and what is missing above it; only those it made are removed again, longest first.
cg_make() { # PATH
	cg_path=$CG
	for part in $(echo "$1" | tr / ' '); do
		cg_path=$cg_path/$part
		mkdir "$cg_path" 2>/dev/null && echo "$cg_path" >>"$T/made"
	done
	[ -w "$CG$1/cgroup.procs" ] || skip_all "cannot make cgroups in $CG"
}

# shellcheck disable=SC2317 # called by the trap
cg_end() {
	for pid in $JOBS; do kill -KILL "$pid" 2>/dev/null; done
	sleep 0.1
	[ -e "$T/made" ] && awk '{ print length, $0 }' "$T/made" | sort -rn | cut -d' ' -f2- | while read -r dir; do
		rmdir "$dir" 2>/dev/null
	done
	rig_end
}
trap cg_end EXIT

# A subshell goes into the cgroup; what it starts is there too.
in_cg() { # PATH COMMAND...
	(
		echo 0 >"$CG$1/cgroup.procs" || exit 1
		shift
		"$@"
	)
}

hex() { printf '%s %s' "$1" $$ | sha256sum | cut -d' ' -f1; }

# FACTS of a row: what stands in these columns, '' = NULL
where() { # CONTAINER RUNTIME UNIT CGROUP
	printf '%s' "coalesce(container, '') = '$1' AND coalesce(runtime, '') = '$2' AND coalesce(unit, '') = '$3'" \
		" AND cgroup = '$4'"
}
at_home='creator IS NULL AND creator_uid IS NULL'

docker=$(hex docker) scope=$(hex scope) podman=$(hex podman) quick=$(hex quick) pod=$(hex pod) older=$(hex older)
service=fs$$.service
user=/user.slice/user-1000.slice/user@1000.service/app.slice

cg_make /machine.slice/libpod-"$podman".scope/container
cg_make /system.slice/fs$$-early.service

# Who runs before the daemon; the cgroup of the other is there before, too.
mkfifo "$T/go"
copy early tcp
in_cg /system.slice/fs$$-early.service bg_a "$T/bin/early" hold $B4 $SINK 100000 <"$T/go" >"$T/said/early" 2>&1 &
JOBS="$JOBS $!"
exec 8>"$T/go"
said "$T/said/early" half
daemon_start
echo >&8

# ---- one way to name a container, or a unit, each

scenario_at() { # NAME CGROUP CONTAINER RUNTIME UNIT
	cg_make "$2"
	in_cg "$2" act "$1" tcp up $B4 $SINK 100000 && expect "$1" "$(tcp $SINK) AND $at_home AND $(where "$3" "$4" "$5" "$2")"
}

scenario_at podman /machine.slice/libpod-"$podman".scope/container "$podman" podman libpod-"$podman".scope
scenario_at docker /docker/"$docker" "$docker" docker ''
scenario_at docker_scope /system.slice/docker-"$scope".scope "$scope" docker docker-"$scope".scope
scenario_at pod /kubepods.slice/kubepods-burstable.slice/cri-containerd-"$pod".scope "$pod" containerd \
	cri-containerd-"$pod".scope
scenario_at lxc /lxc.payload.fs$$/system.slice/ssh.service fs$$ lxc ''
scenario_at nspawn /machine.slice/machine-fs"$$"'\x2dx.scope' fs$$-x systemd-nspawn machine-fs"$$"'\x2dx.scope'
scenario_at service /system.slice/$service '' '' $service
scenario_at user_unit $user/app-fs"$$"'\x2dx.scope' '' '' app-fs"$$"'\x2dx.scope'
scenario_at nothing /fs$$ '' '' ''
# Who is in a container can give names only below it.
scenario_at liar /docker/"$docker"/docker-"$scope".scope "$docker" docker ''

# ---- a whole container: overlay, chroot, all namespaces; then one whose namespace begins at its own root

mkdir "$T/merged"
copy boxed tcp
cp "$T/bin/boxed" "$T/boxed"
box() { # NAME SCRIPT: a namespace of its own with an overlay over this machine's root, then SCRIPT
	in_a unshare -m --propagation private sh -c "mount -t tmpfs none '$T/merged' && cd '$T/merged' &&
		mkdir up work root && mount -t overlay overlay -o lowerdir=/,upperdir=up,workdir=work root && cd root &&
		mkdir -p opt old && cp '$T/boxed' opt/$1 && $2" >"$T/said/$1" 2>"$T/said/$1.err" ||
		fail "$1" "$(cat "$T/said/$1.err")"
}
in_cg /docker/"$docker" box boxed "exec unshare -p -f -u -i -C chroot . /opt/boxed drip $B4 $SINK 200000 20"
in_cg /docker/"$docker" box pivoted "pivot_root . old && exec unshare -p -f /opt/pivoted drip $B4 $SINK 300000 20"

# ---- apps: by the cgroup, or by what is mounted, whatever the cgroup claims

scenario_at snap $user/snap.fs"$$".app-1.scope '' '' snap.fs"$$".app-1.scope
cg_make $user/app-flatpak-org.example.Not-1.scope
in_cg $user/app-flatpak-org.example.Not-1.scope act not_flatpak tcp drip $B4 $SINK 100000 20 &&
	expect not_flatpak "$(tcp $SINK) AND $at_home AND $(where '' '' app-flatpak-org.example.Not-1.scope $user/app-flatpak-org.example.Not-1.scope)"
cg_make $user/app-flatpak-org.example.Claimed-2.scope
files=flatpak/app/org.example.Real/x86_64/stable/1/files
in_cg $user/app-flatpak-org.example.Claimed-2.scope box flat "mkdir -p app $files && cp opt/flat $files &&
	mount --bind $files app && exec chroot . /app/flat drip $B4 $SINK 200000 20"

# ---- gone before anybody looks: the collector sleeps through the life of a container

collector=$(stage_pid collector)
kill -STOP "$collector"
mkdir "$CG/docker/$quick" && in_cg /docker/"$quick" act quick tiny $B4 $SINK 1234
i=0
until rmdir "$CG/docker/$quick" 2>/dev/null || [ $i -ge 50 ]; do
	i=$((i + 1))
	sleep 0.02
done
same quick_is_gone "$(ls -d "$CG/docker/$quick" 2>/dev/null)" ''
kill -CONT "$collector"

# ---- made here, used there

cg_make /system.slice/fs$$.socket
move="$T/bin/move" # PROGRAM for those who start one: it goes to the service first, as a service manager would
printf '#!/bin/sh\necho 0 >%s/cgroup.procs\nexec "%s/bin/$(basename "$0" .sh)" "$@"\n' "$CG/system.slice/$service" "$T" >"$move"
chmod +x "$move"
made_in() { echo "creator = '$1' AND creator_uid IS NULL AND $(where '' '' $service /system.slice/$service)"; }

copy heir share
cp "$move" "$T/bin/heir.sh"
in_cg /docker/"$docker" act inherit share inherit "$T/bin/heir.sh" $B4 $SINK 10000 && {
	sed -n 1p "$T/said/inherit" >"$T/said/heir"
	sed -i 1d "$T/said/inherit"
	expect inherit "$(tcp $SINK) AND $at_home AND container = '$docker'"
	expect heir "$(tcp $SINK) AND $(made_in "$docker")"
}
copy taker share
in_cg /system.slice/$service bg_a "$T/bin/taker" take "$T/handover" 10000 >"$T/said/taker" 2>&1 &
JOBS="$JOBS $!"
said "$T/said/taker" ready
# Its cgroup was there before the daemon.
in_cg /machine.slice/libpod-"$podman".scope/container act giver share give "$T/handover" $B4 $ECHO 10000 &&
	expect giver "$at_home AND container = '$podman'"
served taker
expect taker "$(tcp $ECHO) AND $(made_in "$podman")"
copy activated activate
cp "$move" "$T/bin/activated.sh"
copy activator activate
in_cg /system.slice/fs$$.socket bg_a "$T/bin/activator" listen $A4 7108 2 5000 "$T/bin/activated.sh" >"$T/said/activator" 2>&1 &
JOBS="$JOBS $!"
said "$T/said/activator" ready
copy activating tcp
for n in 1 2; do in_b "$T/bin/activating" half $A4 7108 1000; done >"$T/said/activating"
served activator
mv "$T/said/activator" "$T/said/activated"
expect activated "lport = 7108 AND direction = 'in' AND $(made_in fs$$.socket)"

# Another user's socket.
mkdir -m 777 "$T/open"
copy nobody_taker share
bg_a setpriv --reuid=65534 --regid=65534 --clear-groups "$T/bin/nobody_taker" take "$T/open/handover" 1000 \
	>"$T/said/nobody_taker" 2>&1 &
JOBS="$JOBS $!"
said "$T/said/nobody_taker" ready
act root_giver share give "$T/open/handover" $B4 $ECHO 1000 && expect root_giver "creator_uid IS NULL"
served nobody_taker

# ---- names

ugly=$(printf 'x\033[2J\377 y')
if mkdir "$CG/fs$$-$ugly" 2>/dev/null; then
	echo "$CG/fs$$-$ugly" >>"$T/made"
	in_cg "/fs$$-$ugly" act ugly tcp up $B4 $SINK 1000
else
	skip ugly 'this kernel takes no such name'
fi
deep=
while [ ${#deep} -lt 900 ]; do deep=$deep/$(printf 'd%0200d' $$); done
cg_make "$deep" && in_cg "$deep" act deep tcp up $B4 $SINK 1000 &&
	expect deep "$at_home AND container IS NULL AND unit IS NULL AND cgroup = '$deep'"
deeper=$deep/$(printf 'e%0200d' $$)
cg_make "$deeper" && in_cg "$deeper" act deeper tcp up $B4 $SINK 1000 &&
	expect deeper "cgroup LIKE '$deep/e%...' AND length(cgroup) = 1023"

# ---- more cgroups than are remembered: who is forgotten is asked

mkdir "$CG/fs$$/many"
echo "$CG/fs$$/many" >>"$T/made"
(cd "$CG/fs$$/many" && seq 5000 | xargs mkdir && seq 5000 | xargs rmdir)
in_cg /docker/"$docker" act forgotten tcp drip $B4 $SINK 1000 20 &&
	expect forgotten "$(tcp $SINK) AND container = '$docker' AND runtime = 'docker'"

# ---- runtimes that know only cgroups of version 1

v1=$(awk '/ - cgroup / && /name=systemd/ { print $5; exit }' /proc/self/mountinfo)
if [ -n "$v1" ] && mkdir -p "$v1/docker/$older" 2>/dev/null; then
	(echo 0 >"$v1/docker/$older/cgroup.procs" && act version_1 tcp drip $B4 $SINK 1000 20) &&
		expect version_1 "$(tcp $SINK) AND $at_home AND $(where "$older" docker '' "/docker/$older")"
	rmdir "$v1/docker/$older"
	rmdir "$v1/docker" 2>/dev/null
else
	skip version_1 'no named hierarchy of version 1 here'
fi

# ---- what the rows say

hashed
check_expected
netns=$(stat -Lc %i /run/netns/$A)
same netns "$(sql "SELECT group_concat(DISTINCT netns) FROM connections WHERE exe LIKE '$T/bin/%' AND direction = 'out'
	AND raddr = '$B4' AND name NOT LIKE 'activati%'")" "$netns"
same netns_is_not_ours "$([ "$netns" != "$(stat -Lc %i /proc/self/ns/net)" ] && echo yes)" yes
boxed=$(sha256sum "$T/boxed" | cut -d' ' -f1)
same boxed "$(row_sum "$T/merged/root/opt/boxed") $(sql "SELECT DISTINCT container, sha256, netns, name, cmdline, pexe
	FROM connections WHERE exe = '$T/merged/root/opt/boxed'")" \
	"$(moved boxed) $docker $boxed $netns boxed /opt/boxed drip $B4 $SINK 200000 20 $(readlink -f "$(command -v unshare)")"
# Where the namespace itself begins at the container's root, that is the path as it was walked.
same pivoted "$(row_sum /opt/pivoted) $(sql "SELECT DISTINCT container, sha256, netns FROM connections
	WHERE exe = '/opt/pivoted'")" "$(moved pivoted) $docker $boxed $netns"
app() { # NAME EXE WANT
	same "$1" "$(sql "SELECT DISTINCT app FROM connections WHERE exe = '$2'")" "$3"
}
app snap_app "$T/bin/snap" snap:fs$$
app not_flatpak_app "$T/bin/not_flatpak" "$T/bin/not_flatpak"
app flatpak_app "$T/merged/root/app/flat" flatpak:org.example.Real
app no_app "$T/bin/service" "$T/bin/service"
# Half of it was sent before the daemon came.
same early "$(row_sum "$T/bin/early" "$(where '' '' fs$$-early.service /system.slice/fs$$-early.service) AND $at_home")" '50000 0'
same quick "$(sql "SELECT sum(send), container, runtime, unit IS NULL, cgroup FROM connections WHERE exe = '$T/bin/quick'")" \
	"1234 $quick docker 1 /docker/$quick"
same nobody_taker "$(row_sum "$T/bin/nobody_taker") $(sql "SELECT DISTINCT uid, creator_uid, creator IS NULL FROM connections
	WHERE exe = '$T/bin/nobody_taker'")" "$(moved nobody_taker) 65534 0 1"
[ ! -s "$T/said/ugly" ] || same ugly "$(sql "SELECT sum(send), cgroup FROM connections WHERE exe = '$T/bin/ugly'")" \
	"1000 /fs$$-$(printf 'x\033[2J')\\xff y"
check_no_losses no_losses

query "SELECT DISTINCT cgroup FROM connections" >"$T/out.table"
same table_has_no_escape "$(grep -c "$(printf '\033')" "$T/out.table")" 0
same coverage "$(sql "SELECT count(*) > 3, count(DISTINCT kernel), max(kernel) FROM coverage WHERE state = 'proven'
	AND unix_time BETWEEN unixepoch() - 600 * $SLOW AND unixepoch()")" "1 1 $(uname -r)"
daemon_stop_clean stop
