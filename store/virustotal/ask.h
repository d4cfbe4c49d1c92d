/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask.h - one question to VirusTotal (API v3) at a time, and what its answer means. It owns the HTTP client;
 * it does not know snitch.db. What comes back is foreign: bounded in size and time, and only numbers are
 * taken out of it.
 */
#ifndef FEMTOSNITCH_STORE_VIRUSTOTAL_ASK_H
#define FEMTOSNITCH_STORE_VIRUSTOTAL_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"

#define ASK_ANSWER_MAX (4 << 20) /* a report of many engines is some hundred KiB */
#define ASK_CONNECT_S 20
#define ASK_WHOLE_S 60
#define ASK_DETAIL_MAX 256

struct ask;
struct ask *ask_open(void); /* NULL: no memory */
void ask_close(struct ask *);

enum ask_result {
	ASK_VERDICT, /* verdict and detail are filled */
	ASK_LATER,   /* not now: again after wait_s at the earliest */
	ASK_REFUSED  /* the key is not taken: nothing helps but another one */
};

struct ask_answer {
	enum wire_verdict_kind verdict;
	char detail[ASK_DETAIL_MAX]; /* of the verdict, or why not */
	unsigned wait_s;	     /* what the server asks for, 0 = it does not say */
};

/* Look a content up; waits for it, ASK_WHOLE_S at most. */
enum ask_result ask_lookup(struct ask *, const char *url, const char *key,
			   const uint8_t sha256[WIRE_SHA256_SIZE], struct ask_answer *);

/* What the JSON of a report says. 0, or -EPROTO. For ask_lookup() and its tests. */
int ask_report(const char *json, size_t len, struct ask_answer *);

#endif
