// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_place.c - paths of cgroups as runtimes and systemd make them, and as nobody should believe them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "hasher/place.h"

#define HEX "3e2f5b6c7d8e9f00112233445566778899aabbccddeeff001122334455667788"
#define HEX2 "0000000000000000000000000000000000000000000000000000000000000001"
#define UID "8f0ab3c1_8a6f_4d9c_9b1e_5c2e3f4a5b6c"

struct example {
	const char *path, *runtime, *container, *unit; /* NULL: none */
};

static const struct example real[] = {
	/* the machine itself */
	{"/", NULL, NULL, NULL},
	{"/init.scope", NULL, NULL, "init.scope"},
	{"/system.slice/ssh.service", NULL, NULL, "ssh.service"},
	{"/system.slice/system-getty.slice/getty@tty1.service", NULL, NULL, "getty@tty1.service"},
	{"/system.slice/nginx.service/worker", NULL, NULL, "nginx.service"},
	{"/system.slice/systemd-cryptsetup@dm\\x2dcrypt.service", NULL, NULL,
	 "systemd-cryptsetup@dm\\x2dcrypt.service"},
	{"/system.slice/mnt-nfs\\x2dshare.mount", NULL, NULL, "mnt-nfs\\x2dshare.mount"},
	{"/system.slice/cups.socket", NULL, NULL, "cups.socket"},
	{"/_cpu.service", NULL, NULL, "cpu.service"},
	{"/user.slice/user-1000.slice/session-2.scope", NULL, NULL, "session-2.scope"},
	{"/user.slice/user-1000.slice/user@1000.service/init.scope", NULL, NULL, "user@1000.service"},
	{"/user.slice/user-1000.slice/user@1000.service", NULL, NULL, "user@1000.service"},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox\\x2desr-4711.scope", NULL,
	 NULL, "app-gnome-firefox\\x2desr-4711.scope"},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-foo.service", NULL, NULL,
	 "app-foo.service"},
	{"/user.slice/user-1000.slice/user@1000.service/session.slice/org.gnome.Shell@wayland.service", NULL,
	 NULL, "org.gnome.Shell@wayland.service"},
	{"/user.slice", NULL, NULL, NULL},
	/* docker: cgroupfs, systemd, rootless, in a slice of one's own */
	{"/docker/" HEX, "docker", HEX, NULL},
	{"/system.slice/docker-" HEX ".scope", "docker", HEX, "docker-" HEX ".scope"},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" HEX ".scope", "docker", HEX,
	 "docker-" HEX ".scope"},
	{"/my.slice/my-own.slice/docker-" HEX ".scope/init", "docker", HEX, "docker-" HEX ".scope"},
	{"/system.slice/docker.service", NULL, NULL, "docker.service"},
	{"/docker/buildkit/kdm0c8y1qcmqxy8b2t1p5q5dd", NULL, NULL, NULL},
	/* podman: systemd, cgroupfs, Quadlet's split cgroups, and what watches the container from outside */
	{"/machine.slice/libpod-" HEX ".scope", "podman", HEX, "libpod-" HEX ".scope"},
	{"/machine.slice/libpod-" HEX ".scope/container", "podman", HEX, "libpod-" HEX ".scope"},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" HEX ".scope/container", "podman",
	 HEX, "libpod-" HEX ".scope"},
	{"/libpod_parent/libpod-" HEX, "podman", HEX, NULL},
	{"/system.slice/web.service/libpod-payload-" HEX, "podman", HEX, "web.service"},
	{"/machine.slice/libpod-conmon-" HEX ".scope", NULL, NULL, "libpod-conmon-" HEX ".scope"},
	/* kubernetes */
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID ".slice/cri-containerd-" HEX
	 ".scope",
	 "containerd", HEX, "cri-containerd-" HEX ".scope"},
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID ".slice/crio-" HEX ".scope",
	 "cri-o", HEX, "crio-" HEX ".scope"},
	{"/kubepods.slice/kubepods-pod" UID ".slice/crio-conmon-" HEX ".scope", NULL, NULL,
	 "crio-conmon-" HEX ".scope"},
	{"/kubepods/besteffort/pod" UID "/crio-" HEX, "cri-o", HEX, NULL},
	{"/kubepods/burstable/pod" UID "/" HEX, "kubernetes", HEX, NULL},
	{"/kubepods/pod" UID "/" HEX "/inner", "kubernetes", HEX, NULL},
	{"/system.slice/nerdctl-" HEX ".scope", "containerd", HEX, "nerdctl-" HEX ".scope"},
	{"/default/" HEX, "oci", HEX, NULL},
	{"/ecs/0123456789abcdef0123456789abcdef/" HEX, "oci", HEX, NULL},
	/* system containers and virtual machines */
	{"/lxc/web1", "lxc", "web1", NULL},
	{"/lxc/101/ns/system.slice/ssh.service", "lxc", "101", NULL},
	{"/lxc.payload.web1/system.slice/ssh.service", "lxc", "web1", NULL},
	{"/lxc.payload/web1", "lxc", "web1", NULL},
	{"/lxc.monitor.web1", NULL, NULL, NULL},
	{"/machine.slice/machine-deb\\x2d12.scope/payload/system.slice/ssh.service", "systemd-nspawn",
	 "deb-12", "machine-deb\\x2d12.scope"},
	{"/machine.slice/systemd-nspawn@deb\\x2d12.service/payload", "systemd-nspawn", "deb-12",
	 "systemd-nspawn@deb\\x2d12.service"},
	{"/machine.slice/machine-qemu\\x2d3\\x2dwin10.scope/libvirt/emulator", "libvirt", "qemu-3-win10",
	 "machine-qemu\\x2d3\\x2dwin10.scope"},
};

/* Who is in a container may call what is below it anything; who is not, may not call it a container's. */
static const struct example hostile[] = {
	{"/docker/" HEX "/docker/" HEX2, "docker", HEX, NULL},
	{"/system.slice/docker-" HEX ".scope/system.slice/docker-" HEX2 ".scope", "docker", HEX,
	 "docker-" HEX ".scope"},
	{"/docker/" HEX "/system.slice/ssh.service", "docker", HEX, NULL},
	{"/system.slice/evil.service/system.slice/ssh.service", NULL, NULL, "evil.service"},
	{"/evil/ssh.service", NULL, NULL, NULL},
	/* nearly */
	{"/docker/3e2f", NULL, NULL, NULL},
	{"/docker/" HEX "0", NULL, NULL, NULL},
	{"/docker/3E2F5B6C7D8E9F00112233445566778899AABBCCDDEEFF001122334455667788", NULL, NULL, NULL},
	{"/docker-" HEX, NULL, NULL, NULL},
	{"/system.slice/docker-.scope", NULL, NULL, "docker-.scope"},
	{"/system.slice/docker-" HEX ".scop", NULL, NULL, NULL},
	{"/system.slice/.service", NULL, NULL, NULL},
	{"/lxc/", NULL, NULL, NULL},
	{"/machine.slice/machine-.scope", NULL, NULL, "machine-.scope"},
	{"/machine.slice/machine-a\\x2.scope", NULL, NULL, "machine-a\\x2.scope"},
	{"/machine.slice/machine-a\\x00b.scope", NULL, NULL, "machine-a\\x00b.scope"},
	{"/machine.slice/machine-a\\x2fb.scope", NULL, NULL, "machine-a\\x2fb.scope"},
	{"/machine.slice/machine-a\\x0ab.scope", NULL, NULL, "machine-a\\x0ab.scope"},
	/* no names at all */
	{"", NULL, NULL, NULL},
	{"////", NULL, NULL, NULL},
	{"/../../docker/..", NULL, NULL, NULL},
	{"/system.slice/a\nb.service", NULL, NULL, NULL},
	{"/lxc/a\nb", NULL, NULL, NULL},
	{"/lxc/a\033[2Jb", NULL, NULL, NULL},
	{"/lxc.payload.\xff\xfe", NULL, NULL, NULL},
	{"/system.slice/a'; DROP TABLE flow; --.service", NULL, NULL, NULL},
};

static void same(const char *path, const char *what, const char *got, const char *want)
{
	if (strcmp(got ? got : "", want ? want : "") != 0)
		fail_msg("%s: %s is '%s', not '%s'", path, what, got ? got : "", want ? want : "");
}

static void check(const struct example *e)
{
	struct place place;

	memset(&place, 'x', sizeof(place)); /* nothing of what was there before may stay */
	place_read(&place, e->path);
	same(e->path, "runtime", place.runtime, e->runtime);
	same(e->path, "container", place.container, e->container);
	same(e->path, "unit", place.unit, e->unit);
}

static void as_they_are_made(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(real) / sizeof(real[0]); i++)
		check(&real[i]);
}

static void as_nobody_should_believe(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		check(&hostile[i]);
}

/* Cut anywhere, a path may say less, but never another container or unit. */
static void cut_anywhere(void **state)
{
	struct place whole, part;
	char path[1024];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(real) / sizeof(real[0]); i++) {
		place_read(&whole, real[i].path);
		for (n = 0; n < strlen(real[i].path); n++) {
			snprintf(path, sizeof(path), "%.*s", (int)n, real[i].path);
			place_read(&part, path);
			if (part.runtime &&
			    strncmp(part.container, whole.container, strlen(part.container)) != 0)
				fail_msg("%s: container %s", path, part.container);
			if (part.unit[0] && strcmp(part.unit, whole.unit) != 0 &&
			    strcmp(part.unit, "user@1000.service") != 0)
				fail_msg("%s: unit %s", path, part.unit);
		}
	}
}

static void long_names(void **state)
{
	static char path[8192];
	struct place place;
	size_t n;

	(void)state;
	for (n = 1; n < 4096; n += n < 300 ? 1 : 97) {
		snprintf(path, sizeof(path), "/lxc/%0*d/x", (int)n, 7);
		place_read(&place, path);
		assert_int_equal(strlen(place.container), n < WIRE_PLACE_NAME_MAX ? n : 0);
		snprintf(path, sizeof(path), "/a.slice/%0*d.service", (int)n, 7);
		place_read(&place, path);
		assert_int_equal(strlen(place.unit), n + 8 < WIRE_PLACE_NAME_MAX ? n + 8 : 0);
		snprintf(path, sizeof(path), "/machine-%0*d.scope", (int)n, 7);
		place_read(&place, path);
		assert_int_equal(strlen(place.container), n < WIRE_PLACE_NAME_MAX ? n : 0);
	}
	for (n = 0; n + 8 < sizeof(path); n += 2)
		memcpy(path + n, "/a", 3);
	memcpy(path + n, "/lxc", 5);
	place_read(&place, path);
	assert_null(place.runtime);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_they_are_made),
		cmocka_unit_test(as_nobody_should_believe),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(long_names),
	};

	return cmocka_run_group_tests_name("hasher place", tests, NULL, NULL);
}
