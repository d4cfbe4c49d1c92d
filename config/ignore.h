/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ignore.h - one entry of "Log ignore": text or number to rule. Matching and naming a rule are declared in
 * settings.h, because others use them. No I/O.
 */
#ifndef FEMTOSNITCH_IGNORE_H
#define FEMTOSNITCH_IGNORE_H

#include "config/settings.h"

/* Understand a string entry (valid UTF-8). 0: *rule is filled and owns its domain; -EINVAL: why (size bytes)
 * says what is allowed; -ENOMEM. */
int ignore_parse(struct ignore_rule *rule, const char *text, char *why, size_t size);

/* True for a string entry that is more likely a domain in natural order ("example.com"). */
bool ignore_looks_natural(const char *text);

#endif
