/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys.h - the one table of keys of config.json, and what each does with its value. Internal to the settings:
 * settings.c walks the text and asks here about each key.
 */
#ifndef FEMTOSNITCH_KEYS_H
#define FEMTOSNITCH_KEYS_H

#include "config/scan.h"
#include "config/settings.h"

/* One run of settings_parse(). */
struct parse {
	struct settings *out;
	const char *file;
	settings_say *refuse, *notice;
	void *arg;
	unsigned refusals;
	bool no_memory;
};

struct key;

/* NULL: there is no such key. */
const struct key *keys_find(const char *name);
const char *keys_name(const struct key *);
size_t keys_count(void);
size_t keys_index(const struct key *); /* below keys_count() */

/* The key that name may have been meant to be, NULL if none is near. */
const char *keys_nearest(const char *name);

/* Fill every member with its default. 0 or -ENOMEM. */
int keys_defaults(struct parse *);

/* Check the value and store it, or refuse it through p. */
void keys_set(struct parse *, const struct key *, const struct scan_value *);

/* Say which accepted values have no effect in this build. lines[keys_index()] is where a key was set, 0 if
 * not; changed[] whether to something else than its default. */
void keys_notice(struct parse *, const unsigned *lines, const bool *changed);
bool keys_is_default(const struct key *, const struct scan_value *);

/* One refusal: "FILE:LINE: text". */
void keys_refuse(struct parse *, unsigned line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A value for a message: escaped, cut, quoted as in the text. Returns buf. */
const char *keys_show(char *buf, size_t size, const struct scan_value *);

/* A string value decoded. Caller frees; NULL: not a string, or no memory. */
char *keys_string(const struct scan_value *);

#endif
