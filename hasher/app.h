/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * app.h - one name for a packaged program that stays when it is updated or mounted somewhere else:
 * "flatpak:org.gnome.Maps", "snap:firefox", "appimage:Krita", "nix:curl/bin/curl". Pure: text in, text out.
 *
 * Three places tell it: the cgroup that a service manager made for the app, the path of the program, and the
 * mount that the program's file is on. A cgroup's name and a path are what a user may make up, so that of
 * these three the mount counts most, where it can be asked for (apps.h).
 */
#ifndef FEMTOSNITCH_HASHER_APP_H
#define FEMTOSNITCH_HASHER_APP_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "hasher/mounts.h"

/* All write at most WIRE_APP_MAX bytes, "" if there is nothing to tell. Any text, any length. */
void app_of_cgroup(char to[WIRE_APP_MAX], const char *cgroup); /* path; NULL is fine */
void app_of_path(char to[WIRE_APP_MAX], const char *exe);      /* snap, nix: their paths say it all */
void app_of_mount(char to[WIRE_APP_MAX], const struct mounts_line *);

/* May the mount of this program tell more? */
bool app_asks_mounts(const char *cgroup, const char *exe);

/* The mount of Flatpak's /app, or the one that the program's file (of superblock dev) is on? */
bool app_is_its_mount(const struct mounts_line *, __u32 dev);

#endif
