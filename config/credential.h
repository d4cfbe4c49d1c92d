/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * credential.h - secrets that are not in config.json: where the value of a key that holds one (the table in
 * credential.c) has the string "credential:NAME", the first line of the file NAME of the service's
 * credentials stands for it (systemd.exec(5): LoadCredential=, LoadCredentialEncrypted=;
 * $CREDENTIALS_DIRECTORY). Only root can read those, so this is for the supervisor, which hands on settings
 * with the secret in them; it is never said in a message.
 */
#ifndef FEMTOSNITCH_CREDENTIAL_H
#define FEMTOSNITCH_CREDENTIAL_H

#include <stddef.h>

#define CREDENTIAL_MAX 4096 /* bytes of a secret */
#define CREDENTIAL_WHY 256

/* text: what settings_strip() made of settings that were accepted. The text with the secrets, which the
 * caller erases and frees; NULL: why says which is missing, or "" if there is no memory. */
char *credential_fill(const char *text, size_t len, size_t *out_len, char why[CREDENTIAL_WHY]);

void credential_erase(char *text, size_t len); /* and free; NULL is fine */

#endif
