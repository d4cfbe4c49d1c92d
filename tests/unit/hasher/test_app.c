// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_app.c - names of apps from cgroups, paths and mounts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hasher/app.h"

static const struct {
	const char *cgroup, *app;
} cgroups[] = {
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-flatpak-org.gnome.Maps-4711.scope",
	 "flatpak:org.gnome.Maps"},
	{"/user.slice/app-flatpak-com.example.A-b_c-1234567890.scope/below", "flatpak:com.example.A-b_c"},
	{"/user.slice/snap.firefox.firefox-4f0d6a8e-0a6b-4c8e-8f0c-7d8e9f0a1b2c.scope", "snap:firefox"},
	{"/system.slice/snap.lxd_two.daemon.service", "snap:lxd_two"},
	{"/a/app-flatpak-noreversename-1.scope", ""},
	{"/a/app-flatpak-org.x.scope", ""},
	{"/a/app-flatpak--1.scope", ""},
	{"/a/app-flatpak-org.x/../y-1.scope", ""},
	{"/a/app-flatpak-.scope", ""},
	{"/a/app-flatpak.scope", ""},
	{"/a/snap..x.scope", ""},
	{"/a/snap.x", ""},
	{"/a/snap.service", ""},
	{"/a/snap.a\nb.c.service", ""},
	{"/system.slice/cron.service", ""},
	{"/", ""},
	{"", ""},
};

static void of_cgroup(void **state)
{
	char app[WIRE_APP_MAX], *copy;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cgroups) / sizeof(cgroups[0]); i++) {
		copy = strdup(cgroups[i].cgroup); /* so that a byte beyond it shows */
		app_of_cgroup(app, copy);
		assert_string_equal(app, cgroups[i].app);
		free(copy);
	}
	app_of_cgroup(app, NULL);
	assert_string_equal(app, "");
}

static const struct {
	const char *path, *app;
} paths[] = {
	{"/snap/firefox/1234/usr/lib/firefox/firefox", "snap:firefox"},
	{"/var/lib/snapd/snap/hello/x1/bin/hello", "snap:hello"},
	{"/snap/bin/firefox", ""},
	{"/snap/firefox", ""},
	{"/home/u/snap/firefox/1234/x", ""},
	{"/nix/store/0123456789abcdfghijklmnpqrsvwxyz-curl-8.4.0-bin/bin/curl", "nix:curl/bin/curl"},
	{"/nix/store/0123456789abcdfghijklmnpqrsvwxyz-gtk+3-3.2/x", "nix:gtk+3/x"},
	{"/gnu/store/0123456789abcdfghijklmnpqrsvwxyz-hello/bin/hello", "nix:hello/bin/hello"},
	{"/nix/store/short-curl/bin/curl", ""},
	{"/usr/bin/curl", ""},
	{"", ""},
};

static void of_path(void **state)
{
	char app[WIRE_APP_MAX], *copy;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		copy = strdup(paths[i].path);
		app_of_path(app, copy);
		assert_string_equal(app, paths[i].app);
		free(copy);
	}
}

static void too_long(void **state)
{
	char app[WIRE_APP_MAX], path[8192] = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-curl-8/";

	(void)state;
	memset(path + strlen(path), 'a', 4000);
	app_of_path(app, path);
	assert_string_equal(app, "");
	strcpy(path, "/a/snap.");
	memset(path + strlen(path), 'a', 4000);
	strcpy(path + strlen(path), ".x.service");
	app_of_cgroup(app, path);
	assert_string_equal(app, "");
}

static const struct {
	const char *line, *app;
} mounts[] = {
	{"1 2 8:1 /var/lib/flatpak/app/org.gnome.Maps/x86_64/stable/0123/files /app ro - ext4 /dev/sda1 rw",
	 "flatpak:org.gnome.Maps"},
	{"1 2 8:1 /u/.local/share/flatpak/app/org.x.Y/x86_64/master/01/files /app ro - btrfs /dev/sda1 rw",
	 "flatpak:org.x.Y"},
	{"1 2 8:1 /home/u/app /app ro - ext4 /dev/sda1 rw", ""},
	{"1 2 0:50 / /tmp/.mount_KritaXabcdef ro - fuse.krita-5.2.0-x86_64.appimage "
	 "krita-5.2.0-x86_64.appimage ro",
	 "appimage:krita"},
	{"1 2 0:50 / /tmp/.mount_FreeCAbcdef ro - fuse.F FreeCAD_0.21.2-Linux-x86_64.AppImage ro",
	 "appimage:FreeCAD"},
	{"1 2 0:50 / /tmp/.mount_nvim.aabcdef ro - fuse.nvim.appimage nvim.appimage ro", "appimage:nvim"},
	{"1 2 0:50 / /tmp/.mount_A ro - fuse.A My\\040App-x86_64.AppImage ro", "appimage:My App"},
	{"1 2 0:50 / /tmp/.mount_A ro - ext4 A.AppImage ro", ""},
	{"1 2 0:50 / /tmp/.mount_A ro - fuse.A", ""},
	{"1 2 7:1 / /snap/firefox/1234 ro - squashfs /dev/loop1 ro", "snap:firefox"},
	{"1 2 7:1 / /snap/firefox/1234 ro - tmpfs none ro", ""},
};

static void of_mount(void **state)
{
	struct mounts_line m;
	char app[WIRE_APP_MAX], line[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		strcpy(line, mounts[i].line);
		assert_int_equal(mounts_parse(line, &m), 0);
		app_of_mount(app, &m);
		assert_string_equal(app, mounts[i].app);
	}
}

static void which_mount(void **state)
{
	struct mounts_line m = {.dev = 5, .point = "/tmp/.mount_x", .root = "/", .fstype = "fuse.x"};

	(void)state;
	assert_true(app_is_its_mount(&m, 5));
	assert_false(app_is_its_mount(&m, 6));
	m.point = "/app";
	assert_true(app_is_its_mount(&m, 6));
	assert_true(app_asks_mounts("/x/app-flatpak-a.b-1.scope", "/usr/bin/bash"));
	assert_true(app_asks_mounts(NULL, "/tmp/.mount_abc/usr/bin/x"));
	assert_false(app_asks_mounts("/system.slice/x.service", "/usr/bin/bash"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_cgroup), cmocka_unit_test(of_path),	    cmocka_unit_test(too_long),
		cmocka_unit_test(of_mount),  cmocka_unit_test(which_mount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
