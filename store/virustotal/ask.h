/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask.h - what is asked of VirusTotal (API v3), and what its answers mean. It does not know snitch.db. What
 * comes back is foreign: only numbers are taken out of it, and one address, which must be of the same house.
 */
#ifndef FEMTOSNITCH_STORE_VIRUSTOTAL_ASK_H
#define FEMTOSNITCH_STORE_VIRUSTOTAL_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "store/virustotal/http.h"

#define ASK_DETAIL_MAX 256
#define ASK_URL_MAX 1024
#define ASK_DIRECT_MAX (32 << 20) /* a larger file needs an address of its own */

enum ask_result {
	ASK_VERDICT, /* verdict and detail are filled */
	ASK_LATER,   /* not now: again after wait_s at the earliest */
	ASK_REFUSED, /* the key is not taken: nothing helps but another one */
	ASK_GO_ON    /* of ask_where(): url is filled */
};

struct ask_answer {
	enum wire_verdict_kind verdict;
	char detail[ASK_DETAIL_MAX]; /* of the verdict, or why not */
	bool unheard_of;	     /* of a lookup: there is no such file there */
	unsigned wait_s;	     /* what the server asks for, 0 = it does not say */
};

/* Whom to ask, and with what. */
struct ask {
	struct http *http;
	const char *base, *key;
};

/* Look a content up. Each of these is one request, and waits for its answer. */
enum ask_result ask_lookup(const struct ask *, const uint8_t sha256[WIRE_SHA256_SIZE], struct ask_answer *);

/* Where a file of more than ASK_DIRECT_MAX bytes goes. */
enum ask_result ask_where(const struct ask *, char url[ASK_URL_MAX], struct ask_answer *);

/* Send a file. url: from ask_where(), NULL = it is small. Its verdict is WIRE_VERDICT_UPLOADED, or
 * WIRE_VERDICT_UNKNOWN with a reason why it was not taken. */
enum ask_result ask_upload(const struct ask *, const char *url, const uint8_t sha256[WIRE_SHA256_SIZE],
			   struct source *, struct ask_answer *);

/* What the JSON of a report says. 0, or -EPROTO. For ask_lookup() and its tests. */
int ask_report(const char *json, size_t len, struct ask_answer *);

/* The text under "data" of an answer. False: there is none. For ask_where() and its tests. */
bool ask_text(const char *json, size_t len, char *to, size_t size);

/* "not known to VirusTotal; not uploaded: WHY" */
void ask_not_uploaded(struct ask_answer *, const char *why);

void ask_hex(char hex[2 * WIRE_SHA256_SIZE + 1], const uint8_t sha256[WIRE_SHA256_SIZE]);

#endif
