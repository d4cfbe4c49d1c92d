// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * links.c - see links.h.
 */
#include "store/links.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_LINKS 16
#define STACK_MAX 4 /* interfaces on top of each other */

static bool has(const char *sys_dir, const char *name, const char *what)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", sys_dir, name, what);
	return access(path, F_OK) == 0;
}

/* The number in a file of one line, -1 if there is none. */
static long number(const char *sys_dir, const char *name, const char *what)
{
	char path[PATH_MAX], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", sys_dir, name, what);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return text[0] ? strtol(text, NULL, 0) : -1;
}

static bool is_device(const char *sys_dir, const char *name)
{
	return has(sys_dir, name, "device") && !has(sys_dir, name, "master/device");
}

static bool is_counted(const char *sys_dir, const char *name)
{
	long flags = number(sys_dir, name, "tun_flags");

	return is_device(sys_dir, name) || (flags >= 0 && flags & IFF_TUN);
}

/* Does a counted one carry it? */
static bool is_on_top(const char *sys_dir, const char *name, int depth)
{
	char path[PATH_MAX];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", sys_dir, name);
	d = depth < STACK_MAX ? opendir(path) : NULL;
	while (d && !found && (e = readdir(d)))
		if (strncmp(e->d_name, "lower_", 6) == 0)
			found = is_counted(sys_dir, e->d_name + 6) ||
				is_on_top(sys_dir, e->d_name + 6, depth + 1);
	if (d)
		closedir(d);
	return found;
}

/* An Ethernet that nothing carries is a wire inside this machine; what is not Ethernet is a tunnel. */
static enum link_kind kind_of(const char *sys_dir, const char *name)
{
	long type;

	if (is_counted(sys_dir, name))
		return LINK_COUNTED;
	if (is_on_top(sys_dir, name, 0))
		return LINK_OUT;
	type = number(sys_dir, name, "type");
	return type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK ? LINK_INSIDE : LINK_OUT;
}

static void set_kinds(struct links *l, const char *sys_dir)
{
	size_t i;

	l->devices = false;
	for (i = 0; i < l->count; i++)
		l->devices |= is_device(sys_dir, l->link[i].name);
	for (i = 0; i < l->count; i++) {
		struct link *link = &l->link[i];

		if (l->devices)
			link->kind = kind_of(sys_dir, link->name);
		else
			link->kind = strcmp(link->name, "lo") == 0 ? LINK_INSIDE : LINK_COUNTED;
	}
}

/* A line of /proc/net/dev. */
static bool parse(struct link *link, const char *line)
{
	uint64_t in_packets, out_packets;

	if (sscanf(line, " %15[^: ]: %" SCNu64 " %" SCNu64 " %*u %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
		   link->name, &link->received_bytes, &in_packets, &link->sent_bytes, &out_packets) != 5)
		return false;
	link->packets = in_packets + out_packets;
	return true;
}

static int grow(struct links *l, size_t *room)
{
	size_t more = *room ? *room * 2 : FIRST_LINKS;
	struct link *grown = realloc(l->link, more * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	l->link = grown;
	*room = more;
	return 0;
}

int links_read(struct links *l, const char *net_dir, const char *sys_dir)
{
	struct links fresh = {0};
	char path[PATH_MAX], line[512];
	size_t room = 0;
	int rc = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/dev", net_dir);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (rc == 0 && !fresh.cut && fgets(line, sizeof(line), f)) {
		if (fresh.count == room && (rc = grow(&fresh, &room)) < 0)
			break;
		fresh.count += parse(&fresh.link[fresh.count], line);
		fresh.cut = fresh.count == LINKS_MAX;
	}
	fclose(f);
	if (rc < 0) {
		links_free(&fresh);
		return rc;
	}
	set_kinds(&fresh, sys_dir);
	links_free(l);
	*l = fresh;
	return 0;
}

void links_free(struct links *l)
{
	free(l->link);
	memset(l, 0, sizeof(*l));
}

const struct link *links_find(const struct links *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (strcmp(l->link[i].name, name) == 0)
			return &l->link[i];
	return NULL;
}
