/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * values.h - the types a key of config.json may have, one setter each: check the value against the key's row,
 * store it at the key's offset in p->out, or refuse it. Internal to the settings.
 */
#ifndef FEMTOSNITCH_VALUES_H
#define FEMTOSNITCH_VALUES_H

#include "config/keys.h"

#define VALUE_NOWHERE ((size_t)-1) /* checked, but not kept */

typedef void value_set(struct parse *, const struct key *, const struct scan_value *);

struct key {
	const char *name;
	value_set *set;
	size_t offset; /* in struct settings, or VALUE_NOWHERE */
	long long min, max;
	const char *def;       /* JSON */
	const char *comment;   /* for the file of the first run */
	const char *no_effect; /* said when set to something else than the default */
};

value_set value_bool;
value_set value_int;
value_set value_int_or_null;
value_set value_power; /* of two */
value_set value_string;
value_set value_url;
value_set value_server; /* object or string, kept as JSON */
value_set value_hooks;	/* a word, kept as enum settings_hooks */
value_set value_kinds;	/* "all" or a list of notification kinds, kept as bits in the order of the names */
value_set value_ignore;

#endif
