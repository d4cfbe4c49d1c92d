/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * translate.h - the settings of picosnitch 2 (config.toml) as a config.json of ours.
 */
#ifndef FEMTOSNITCH_STORE_IMPORT_TRANSLATE_H
#define FEMTOSNITCH_STORE_IMPORT_TRANSLATE_H

#include <stddef.h>

#include "config/settings.h"

/* JSON text (caller frees), or NULL. say hears what is refused, or has no counterpart; file is a name for it.
 */
char *translate(const char *file, const char *text, size_t len, settings_say *say, void *arg);

#endif
