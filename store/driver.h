/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * driver.h - what a server of one kind does for the copy of the log (copier.h). One folder each: it knows the
 * client library and the server's SQL; what to send, when, and what was sent before, it need not know.
 *
 * A batch is one transaction: begin(); put() of each window's row; windows(); then put() of all else, send()
 * whenever put() says that it is time, and commit(). Whatever fails closes the connection, and with it the
 * transaction.
 */
#ifndef FEMTOSNITCH_STORE_DRIVER_H
#define FEMTOSNITCH_STORE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "store/history.h"
#include "store/layout.h"

struct driver {
	enum wire_stage stage; /* who we are */
	const char *server;    /* in messages: "PostgreSQL" */

	void *(*make)(void); /* NULL: no memory */
	void (*free)(void *);

	/* Where the copy goes: json of "DB sql server". 0, -ENOMEM, or -EINVAL after why() was filled; also
	 * when it is 0 why() may have a warning ("" = none). */
	int (*aim)(void *, const char *json);

	/* All of these return 0 or -errno, and then why() says what is wrong in one line, and the connection
	 * is closed. -EPERM: the server will answer the same until somebody does something there. */
	int (*open)(void *);
	int (*begin)(void *, const struct history_run *);
	int (*windows)(void *, uint32_t *inserted); /* of those put: the others are there already */
	int (*send)(void *);
	int (*commit)(void *);
	int (*rollback)(void *);

	/* Without I/O. row: the columns of layout() behind the constant ones, by their type: numbers as such,
	 * bytes as text. True: it is time to send(). */
	bool (*put)(void *, enum layout_name, const struct content_value *row);

	void (*close)(void *);
	bool (*is_open)(const void *);
	const char *(*why)(const void *);
};

#endif
