/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * password.h - "password_file" of "DB sql server": a file whose first line is the password.
 */
#ifndef FEMTOSNITCH_STORE_PASSWORD_H
#define FEMTOSNITCH_STORE_PASSWORD_H

#include <stddef.h>

#define PASSWORD_SIZE 1025

/* 0: the caller wipes text when it was used; -EINVAL: why (size bytes) says what is wrong. */
int password_read(const char *path, char text[PASSWORD_SIZE], char *why, size_t size);

#endif
