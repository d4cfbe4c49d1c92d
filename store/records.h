/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * records.h - the interned rows of snitch.db: programs, images, places, addresses, accounts. Finds or makes
 * the row of something, inside the caller's transaction. Row ids are remembered with the thing itself; after
 * a rollback the caller must have them forgotten (records_forget() and the *_forget_rows() of the owners).
 *
 * Rows carry when they were last used, to the hour, so that retention can tell which ones nothing refers to.
 */
#ifndef FEMTOSNITCH_STORE_RECORDS_H
#define FEMTOSNITCH_STORE_RECORDS_H

#include <stdint.h>

#include "store/images.h"
#include "store/name.h"
#include "store/sqlite.h"

struct records;
struct records *records_new(struct sqlite *); /* NULL: no memory */
void records_free(struct records *);
void records_forget(struct records *);

/* Expect about n addresses in the transaction to come; 0 gives the memory back. */
void records_expect(struct records *, size_t n);

/* All of these: the row's id (> 0), or -errno. now_s is the time of use. */
int64_t records_program(struct records *, struct program *, int64_t now_s);
int64_t records_image(struct records *, struct image *, int64_t now_s, bool log_commands);
int64_t records_place(struct records *, struct place *, int64_t now_s); /* of an image: made with it */
/* AF_UNSPEC: switched off, the empty text. */
int64_t records_address(struct records *, int family, const uint8_t addr[16], int64_t now_s);

int64_t records_name(struct records *, struct name *, int64_t now_s); /* of its text */
int64_t records_no_name(struct records *, int64_t now_s);	      /* "": switched off */

/* The name of uid, if the local user list has one, goes to the table of accounts. 0 or -errno. */
int records_account(struct records *, uint32_t uid);

#endif
