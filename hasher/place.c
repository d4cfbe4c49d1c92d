// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * place.c - see place.h. One row per way in which a runtime names the cgroup of a container.
 */
#include "hasher/place.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define HEX_LEN 64

enum id {
	ID_HEX,	   /* 64 hex digits */
	ID_NAME,   /* letters, digits and -_.:@ */
	ID_MACHINE /* the same, written as part of a unit's name: \x2d for - */
};

struct rule {
	const char *runtime;
	const char *under; /* name of the directory right above, up to a *; NULL: any */
	const char *before, *after;
	enum id id;
	const char *begins; /* what the id begins with; NULL: anything */
};

/* Of several that fit one directory the first counts. */
static const struct rule rules[] = {
	{"docker", NULL, "docker-", ".scope", ID_HEX, NULL},
	{"docker", "docker", "", "", ID_HEX, NULL},
	{"podman", NULL, "libpod-", ".scope", ID_HEX, NULL},
	{"podman", NULL, "libpod-payload-", "", ID_HEX,
	 NULL},					       /* cgroups=split: below the unit it is part of */
	{"podman", NULL, "libpod-", "", ID_HEX, NULL}, /* cgroupfs: below libpod_parent */
	{"containerd", NULL, "cri-containerd-", ".scope", ID_HEX, NULL},
	{"containerd", NULL, "nerdctl-", ".scope", ID_HEX, NULL},
	{"cri-o", NULL, "crio-", ".scope", ID_HEX, NULL},
	{"cri-o", NULL, "crio-", "", ID_HEX, NULL},
	{"lxc", NULL, "lxc.payload.", "", ID_NAME, NULL},
	{"lxc", "lxc.payload", "", "", ID_NAME, NULL},
	{"lxc", "lxc", "", "", ID_NAME, NULL},
	{"libvirt", NULL, "machine-", ".scope", ID_MACHINE, "qemu-"},
	{"libvirt", NULL, "machine-", ".scope", ID_MACHINE, "lxc-"},
	{"systemd-nspawn", NULL, "machine-", ".scope", ID_MACHINE, NULL},
	{"systemd-nspawn", NULL, "systemd-nspawn@", ".service", ID_MACHINE, NULL},
	{"kubernetes", "pod*", "", "", ID_HEX, NULL}, /* kubepods/[CLASS/]podUID: of whatever runtime */
	{"oci", NULL, "", "", ID_HEX, NULL},	      /* a runtime that does not say its name */
};

/* One component of a path. */
struct part {
	const char *text;
	size_t len;
};

/* The next component behind *path; its length is 0 at the end. */
static struct part next_part(const char **path)
{
	struct part part;

	*path += strspn(*path, "/");
	part.text = *path;
	part.len = strcspn(*path, "/");
	*path += part.len;
	return part;
}

static bool begins(struct part part, const char *text)
{
	size_t len = strlen(text);

	return part.len >= len && memcmp(part.text, text, len) == 0;
}

static bool ends(struct part part, const char *text)
{
	size_t len = strlen(text);

	return part.len >= len && memcmp(part.text + part.len - len, text, len) == 0;
}

static bool is(struct part part, const char *text)
{
	return part.len == strlen(text) && begins(part, text);
}

static bool only(struct part part, const char *set)
{
	size_t i;

	for (i = 0; i < part.len; i++)
		if (!isalnum((unsigned char)part.text[i]) &&
		    (part.text[i] == '\0' || !strchr(set, part.text[i])))
			return false;
	return part.len > 0 && part.len < WIRE_PLACE_NAME_MAX;
}

static void copy(char to[WIRE_PLACE_NAME_MAX], struct part part)
{
	memcpy(to, part.text, part.len);
	to[part.len] = '\0';
}

/* ---- containers */

static bool copy_hex(char *to, struct part part)
{
	size_t i;

	if (part.len != HEX_LEN)
		return false;
	for (i = 0; i < HEX_LEN; i++)
		if (!strchr("0123456789abcdef", part.text[i]) || part.text[i] == '\0')
			return false;
	copy(to, part);
	return true;
}

static bool copy_name(char *to, struct part part)
{
	if (!only(part, "-_.:@"))
		return false;
	copy(to, part);
	return true;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* systemd-escape(1): \xNN is one byte. What it stands for must be a name like any other. */
static bool copy_machine(char *to, struct part part)
{
	struct part name = {.text = to};
	size_t i;

	if (!only(part, "-_.:@\\"))
		return false;
	for (i = 0; i < part.len; i++) {
		to[name.len] = part.text[i];
		if (part.text[i] == '\\') {
			if (part.len - i < 4 || part.text[i + 1] != 'x' || hex_digit(part.text[i + 2]) < 0 ||
			    hex_digit(part.text[i + 3]) < 0)
				return false;
			to[name.len] = (char)(hex_digit(part.text[i + 2]) << 4 | hex_digit(part.text[i + 3]));
			i += 3;
		}
		name.len++;
	}
	to[name.len] = '\0';
	return only(name, "-_.:@");
}

static bool is_under(const char *under, struct part above)
{
	size_t len = under ? strcspn(under, "*") : 0;

	if (!under)
		return true;
	return under[len] == '*' ? above.len > len && memcmp(above.text, under, len) == 0 : is(above, under);
}

static bool fits(const struct rule *rule, struct part part, struct part above, char *id)
{
	static bool (*const copies[])(char *, struct part) = {
		[ID_HEX] = copy_hex, [ID_NAME] = copy_name, [ID_MACHINE] = copy_machine};
	size_t around = strlen(rule->before) + strlen(rule->after);

	if (part.len <= around || !begins(part, rule->before) || !ends(part, rule->after) ||
	    !is_under(rule->under, above))
		return false;
	part.text += strlen(rule->before);
	part.len -= around;
	return copies[rule->id](id, part) &&
	       (!rule->begins || strncmp(id, rule->begins, strlen(rule->begins)) == 0);
}

static void read_container(struct place *place, const char *path)
{
	struct part above = {.text = ""}, part;
	size_t i;

	for (; (part = next_part(&path)).len > 0; above = part)
		for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
			if (fits(&rules[i], part, above, place->container)) {
				place->runtime = rules[i].runtime;
				return;
			}
	place->container[0] = '\0';
}

/* ---- units */

static bool is_unit(struct part part)
{
	static const char *const kinds[] = {".service", ".scope", ".socket", ".mount", ".swap"};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (part.len > strlen(kinds[i]) && ends(part, kinds[i]))
			return only(part, "-_.:@\\");
	return false;
}

/* Slices, then the unit; anything else, and what is below it, was not made by this service manager. */
static struct part next_unit(const char **path)
{
	struct part part;

	do {
		part = next_part(path);
		if (part.len > 1 && part.text[0] == '_') { /* put before names the kernel might want */
			part.text++;
			part.len--;
		}
	} while (part.len > 0 && ends(part, ".slice"));
	if (!is_unit(part))
		part.len = 0;
	return part;
}

/* A user's own service manager has its units below its own; itself it runs in its init.scope. */
static void read_unit(struct place *place, const char *path)
{
	struct part unit = next_unit(&path), own;

	if (begins(unit, "user@") && ends(unit, ".service")) {
		own = next_unit(&path);
		if (own.len > 0 && !is(own, "init.scope"))
			unit = own;
	}
	copy(place->unit, unit);
}

void place_read(struct place *place, const char *path)
{
	place->runtime = NULL;
	read_container(place, path);
	read_unit(place, path);
}
