/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.h - one request at a time, and its answer, bounded in size and time. It owns the HTTP client; what an
 * answer means is ask.c's. The key is a header of the request and nothing else: never in an URL, an argument
 * or a message; redirections are not followed, so that it goes nowhere else.
 */
#ifndef FEMTOSNITCH_STORE_VIRUSTOTAL_HTTP_H
#define FEMTOSNITCH_STORE_VIRUSTOTAL_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "store/virustotal/source.h"

#define HTTP_ANSWER_MAX (4 << 20) /* a report of many engines is some hundred KiB */
#define HTTP_CONNECT_S 20
#define HTTP_WHOLE_S 60		     /* without the file */
#define HTTP_BYTES_PER_S (64 * 1024) /* a file may take so long, at most */

struct http;
struct http *http_open(void); /* NULL: no memory */
void http_close(struct http *);

struct http_answer {
	long status;		/* 0: none came */
	const char *why;	/* of none: in words */
	const char *body;	/* not terminated; valid until the next request; may be NULL */
	size_t len;		/* of it */
	bool cut;		/* there was more than HTTP_ANSWER_MAX; it ends where it does not fit */
	unsigned retry_after_s; /* what the server asks for, 0 = it does not say */
};

void http_get(struct http *, const char *url, const char *key, struct http_answer *);

/* Send the file as the form field "file", called name. */
void http_post(struct http *, const char *url, const char *key, const char *name, struct source *,
	       struct http_answer *);

/* The address that the server named for an upload, if the file and the key may go there: the protocol of base
 * is put on it, and its host must be base's (or a host of the same company: VirusTotal's own have several).
 * NULL: they may not; else free(). */
char *http_same_house(const char *base, const char *named);

#endif
